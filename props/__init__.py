"""Side by side: operations as data, case files, lockstep, state machines, the main job."""
