"""What both subjects share: operations as data, their JSON, case files, planted mistakes, guards."""
