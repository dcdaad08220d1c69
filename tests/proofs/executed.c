/* What the executor of LLVM IR is compared over: each kind of instruction, in functions of two words. */
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned char u8;
typedef long s64;

struct inner { u8 kind; u32 count; };
struct outer { u64 first; struct inner rows[4]; u64 last; };
struct pair { u64 one, other; };

static u64 counter;
static const u32 table[8] = { 3, 1, 4, 1, 5, 9, 2, 6 };

u64 arithmetic(u64 a, u64 b)
{
	u64 d = b | 1;

	return (a + b) ^ (a - b) * 3 + (a & b) + (a | b) + (a ^ ~b) + a / d + a % d;
}

u64 signed_arithmetic(u64 a, u64 b)
{
	int x = (int)a, y = (int)(b % 1000) - 500;
	s64 wide = (s64)a >> (b & 63);

	y = y ? y : 7;
	if (y == -1)
		y = 1;
	return (u64)(s64)(x / y) + (u64)(s64)(x % y) * 5 + (u64)wide;
}

u64 shifts(u64 a, u64 b)
{
	u32 low = (u32)a;

	return (a << (b & 63)) + (a >> (b & 63)) + (low << (b & 31)) + (low >> (b & 31));
}

u64 narrow(u64 a, u64 b)
{
	u8 x = (u8)a, y = (u8)b;
	signed char z = (signed char)(a >> 8);
	unsigned short w = (unsigned short)(x * 257 + y);
	_Bool both = x && y;

	return (u64)(s64)z + w + (u8)(x + y) + both + (u64)(short)w;
}

u64 compared(u64 a, u64 b)
{
	s64 x = (s64)a, y = (s64)b;

	return (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5 |
	       (x < y) << 6 | (x <= y) << 7 | (x > y) << 8 | (x >= y) << 9;
}

u64 chosen(u64 a, u64 b)
{
	u64 found = (a > b ? a : b) + (b & 4 ? 3 : 5);

	switch (a & 7) {
	case 0:
		found += 10;
		break;
	case 1:
		found += 20; /* on to the next */
	case 3:
		found ^= b;
		break;
	case 6:
		return found;
	default:
		found = (a & 8) && (b & 8) ? found + 1 : found - 1;
	}
	return found;
}

u64 looped(u64 a, u64 b)
{
	u64 sum = 0, i = 0;

	for (i = 0; i < (a & 15); i++) {
		if ((b >> i) & 1)
			continue;
		sum += i * i;
		if (sum > 600)
			break;
	}
	do {
		sum = sum * 3 + 1;
	} while (++i < 9 && sum & 4);
	return sum;
}

u64 in_memory(u64 a, u64 b)
{
	struct outer thing = { a, { { 1, 2 }, { 3, 4 } }, b };
	struct inner *row = &thing.rows[a & 3];
	struct outer copy;
	u8 *bytes = (u8 *)&thing;

	row->count = (u32)b;
	row[0].kind ^= (u8)a;
	bytes[(b & 7)] = 0x5a;
	copy = thing;
	return copy.first + copy.last + copy.rows[b & 3].count * 7 + copy.rows[a & 3].kind;
}

u64 tagged(u64 a, u64 b)
{
	u64 cells[8] = { 0 };
	u64 pointer = (u64)&cells[a & 7] | 3;

	*(u64 *)(pointer & ~7UL) = b;
	return cells[a & 7] + table[b & 7] + (pointer & 7) + ((u64)&cells[5] - (u64)&cells[2]);
}

static struct pair swapped(struct pair given)
{
	struct pair made = { given.other, given.one };

	return made;
}

u64 handed_over(u64 a, u64 b)
{
	struct pair given = { a, b }, made = swapped(given);

	return made.one * 3 + made.other;
}

u64 recursive(u64 a, u64 b)
{
	return (a & 7) ? recursive((a & 7) - 1, b) * 2 + a : b;
}

u64 variables(u64 a, u64 b)
{
	static u64 before = 11;
	u64 old = before;

	counter += a & 3;
	before = b & 0xff;
	old += counter;
	counter = 0;
	before = 11;
	return old;
}

u64 atomics(u64 a, u64 b)
{
	u64 cell = a, wanted = b & 1 ? a : b;

	__atomic_fetch_add(&cell, b, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&cell, ~0xfUL, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wanted += __atomic_exchange_n(&cell, a ^ b, __ATOMIC_SEQ_CST);
	wanted += __atomic_compare_exchange_n(&cell, &wanted, 5, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return cell + wanted;
}

u64 built_in(u64 a, u64 b)
{
	u64 sum, product;
	int over = __builtin_add_overflow(a, b, &sum);
	int much = __builtin_mul_overflow((u32)a | (a & 1) << 40, b, &product);
	u8 some[24];

	__builtin_memset(some, (u8)a, sizeof(some));
	__builtin_memcpy(some + 8, &b, 8);
	__builtin_memmove(some + 1, some, 16);
	return sum + product + over + much + some[9] + some[16] + some[23] + __builtin_expect(a > b, 1) +
	       __builtin_popcountl(a) + __builtin_clzl(a | 1) + __builtin_ctzl(b | 256) + __builtin_bswap64(a);
}
