// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's CPUID: its table, the bits that follow the vCPU's state, and the
 * exit's handler
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/lapic.h"
#include "arch/x86/vmx.h"
#include "hv/hv.h"

#define LEAF_FEATURES		1
#define LEAF_TOPOLOGY		0xb
#define LEAF_XSTATE		0xd
#define LEAF_TOPOLOGY_V2	0x1f
#define LEAF_ADDRESS_SIZES	0x80000008

/* Of a processor that has no leaf for it, and the most there can be (SDM 3A 4.1.4). */
#define DEFAULT_PHYS_BITS	36
#define MAX_PHYS_BITS		52
/* To reach the local APIC. */
#define MIN_PHYS_BITS		32

/* Legacy region and header: the extended states come after (SDM 1 13.4). */
#define XSAVE_BASE_SIZE		576

static const struct lhv_cpuid_word words[] = {
	{ CPUID_1_ECX, offsetof(struct lhv_cpuid_entry, ecx), LEAF_FEATURES, 0 },
	{ CPUID_1_EDX, offsetof(struct lhv_cpuid_entry, edx), LEAF_FEATURES, 0 },
	{ CPUID_7_0_EBX, offsetof(struct lhv_cpuid_entry, ebx), 7, 0 },
	{ CPUID_7_ECX, offsetof(struct lhv_cpuid_entry, ecx), 7, 0 },
	{ CPUID_7_EDX, offsetof(struct lhv_cpuid_entry, edx), 7, 0 },
	{ CPUID_7_1_EAX, offsetof(struct lhv_cpuid_entry, eax), 7, 1 },
	{ CPUID_D_1_EAX, offsetof(struct lhv_cpuid_entry, eax), LEAF_XSTATE, 1 },
	{ CPUID_8000_0001_ECX, offsetof(struct lhv_cpuid_entry, ecx), 0x80000001, 0 },
	{ CPUID_8000_0001_EDX, offsetof(struct lhv_cpuid_entry, edx), 0x80000001, 0 },
};

/* Bits of CR4, and the feature without which they are reserved. */
static const struct {
	unsigned long cr4;
	unsigned int feature;
} cr4_features[] = {
	{ X86_CR4_VME | X86_CR4_PVI, X86_FEATURE_VME },
	{ X86_CR4_TSD, X86_FEATURE_TSC },
	{ X86_CR4_DE, X86_FEATURE_DE },
	{ X86_CR4_PSE, X86_FEATURE_PSE },
	{ X86_CR4_PAE, X86_FEATURE_PAE },
	{ X86_CR4_MCE, X86_FEATURE_MCE },
	{ X86_CR4_PGE, X86_FEATURE_PGE },
	{ X86_CR4_OSFXSR, X86_FEATURE_FXSR },
	{ X86_CR4_OSXMMEXCPT, X86_FEATURE_XMM },
	{ X86_CR4_UMIP, X86_FEATURE_UMIP },
	{ X86_CR4_FSGSBASE, X86_FEATURE_FSGSBASE },
	{ X86_CR4_PCIDE, X86_FEATURE_PCID },
	{ X86_CR4_OSXSAVE, X86_FEATURE_XSAVE },
	{ X86_CR4_SMEP, X86_FEATURE_SMEP },
	{ X86_CR4_SMAP, X86_FEATURE_SMAP },
};

const struct lhv_cpuid_word *lhv_cpuid_word(unsigned int word)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].word == word)
			return &words[i];
	return NULL;
}

static bool is_direct(u32 function)
{
	return (function & GENMASK(29, 0)) < LHV_CPUID_DIRECT;
}

/* A leaf's entry in the direct table; for any function without a branch. */
static u16 direct(const struct lhv_cpuid *cpuid, u32 function)
{
	return cpuid->direct[function >> 30][function & (LHV_CPUID_DIRECT - 1)];
}

/* The first row that isn't below @function. */
static u32 lower_bound(const struct lhv_cpuid *cpuid, u32 function)
{
	u32 low = 0, high = cpuid->count;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (cpuid->entries[mid].function < function)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct lhv_cpuid_entry *first_row(const struct lhv_cpuid *cpuid, u32 function)
{
	u32 i;

	if (is_direct(function)) {
		i = direct(cpuid, function) & ~LHV_CPUID_PLAIN;
		return i ? &cpuid->entries[i - 1] : NULL;
	}
	i = lower_bound(cpuid, function);
	if (i == cpuid->count || cpuid->entries[i].function != function)
		return NULL;
	return &cpuid->entries[i];
}

/* Among a leaf's rows, of which @e is the first, or NULL. */
static const struct lhv_cpuid_entry *find_index(const struct lhv_cpuid *cpuid,
						const struct lhv_cpuid_entry *e, u32 index)
{
	const struct lhv_cpuid_entry *end = cpuid->entries + cpuid->count;
	u32 function;

	if (!e || !(e->flags & LHV_CPUID_INDEXED))
		return e;
	for (function = e->function; e < end && e->function == function; e++)
		if (e->index == index)
			return e;
	return NULL;
}

const struct lhv_cpuid_entry *lhv_cpuid_find(const struct lhv_cpuid *cpuid, u32 function,
					     u32 index)
{
	return find_index(cpuid, first_row(cpuid, function), index);
}

bool lhv_cpuid_has(const struct lhv_cpuid *cpuid, unsigned int feature)
{
	const struct lhv_cpuid_word *w = lhv_cpuid_word(feature / 32);
	const struct lhv_cpuid_entry *e;
	u32 *reg;

	if (WARN_ON_ONCE(!w))
		return false;
	e = lhv_cpuid_find(cpuid, w->function, w->index);
	if (!e)
		return false;
	reg = lhv_cpuid_register((struct lhv_cpuid_entry *)e, w);
	return *reg & BIT(feature % 32);
}

/* ---- making a table ---- */

static int compare(const void *a, const void *b)
{
	const struct lhv_cpuid_entry *l = a, *r = b;

	if (l->function != r->function)
		return l->function < r->function ? -1 : 1;
	if (l->index != r->index)
		return l->index < r->index ? -1 : 1;
	return 0;
}

static bool row_ok(const struct lhv_cpuid_entry *e)
{
	if (e->reserved || (e->flags & ~LHV_CPUID_INDEXED))
		return false;
	return !e->index || (e->flags & LHV_CPUID_INDEXED);
}

/* Two neighbours of the sorted rows. */
static bool rows_agree(const struct lhv_cpuid_entry *e, const struct lhv_cpuid_entry *next)
{
	if (e->function != next->function)
		return true;
	return (e->flags & next->flags & LHV_CPUID_INDEXED) && e->index != next->index;
}

static bool table_ok(const struct lhv_cpuid *cpuid)
{
	u32 i;

	for (i = 0; i < cpuid->count; i++) {
		if (!row_ok(&cpuid->entries[i]))
			return false;
		if (i && !rows_agree(&cpuid->entries[i - 1], &cpuid->entries[i]))
			return false;
	}
	return true;
}

static void sort_rows(struct lhv_cpuid *cpuid)
{
	u32 i;

	for (i = 1; i < cpuid->count; i++) {
		if (compare(&cpuid->entries[i - 1], &cpuid->entries[i]) > 0) {
			sort(cpuid->entries, cpuid->count, sizeof(cpuid->entries[0]), compare,
			     NULL);
			return;
		}
	}
}

/* Does any of its registers follow the vCPU or its state? */
static bool is_live(u32 function)
{
	return function == LEAF_FEATURES || function == LEAF_XSTATE ||
	       function == LEAF_TOPOLOGY || function == LEAF_TOPOLOGY_V2;
}

static void index_rows(struct lhv_cpuid *cpuid)
{
	u32 i;

	/* From the end, so that a leaf's first row is the last to be noted. */
	for (i = cpuid->count; i > 0; i--) {
		const struct lhv_cpuid_entry *e = &cpuid->entries[i - 1];
		bool plain = !is_live(e->function) && !(e->flags & LHV_CPUID_INDEXED);

		if (is_direct(e->function))
			cpuid->direct[e->function >> 30][e->function % LHV_CPUID_DIRECT] =
				i | (plain ? LHV_CPUID_PLAIN : 0);
	}
}

static void derive(struct lhv_cpuid *cpuid)
{
	const struct lhv_cpuid_entry *e;
	int i;

	e = lhv_cpuid_find(cpuid, LEAF_ADDRESS_SIZES, 0);
	cpuid->phys_bits = e ? e->eax & 0xff : DEFAULT_PHYS_BITS;

	cpuid->cr4_allowed = X86_CR4_PCE;
	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (lhv_cpuid_has(cpuid, cr4_features[i].feature))
			cpuid->cr4_allowed |= cr4_features[i].cr4;

	e = lhv_cpuid_find(cpuid, LEAF_XSTATE, 0);
	if (e && lhv_cpuid_has(cpuid, X86_FEATURE_XSAVE))
		cpuid->xcr0_allowed = e->eax | (u64)e->edx << 32;
}

struct lhv_cpuid *lhv_cpuid_new(const struct lhv_cpuid_entry *entries, u32 n)
{
	struct lhv_cpuid *cpuid;

	if (n > LHV_MAX_CPUID_ENTRIES)
		return ERR_PTR(-EINVAL);
	cpuid = kzalloc(struct_size(cpuid, entries, n), GFP_KERNEL_ACCOUNT);
	if (!cpuid)
		return ERR_PTR(-ENOMEM);
	cpuid->count = n;
	memcpy(cpuid->entries, entries, array_size(n, sizeof(*entries)));
	sort_rows(cpuid);
	if (!table_ok(cpuid))
		goto refuse;
	index_rows(cpuid);
	derive(cpuid);
	if (cpuid->phys_bits < MIN_PHYS_BITS || cpuid->phys_bits > MAX_PHYS_BITS)
		goto refuse;
	return cpuid;

refuse:
	kfree(cpuid);
	return ERR_PTR(-EINVAL);
}

/* ---- a vCPU's table ---- */

static void use_table(struct lhv_vcpu *vcpu, const struct lhv_cpuid *cpuid)
{
	const struct lhv_cpuid *host = lhv_cpuid_host();

	lhv_cpuid_destroy(vcpu);
	vcpu->arch.cpuid = cpuid;
	vcpu->arch.cr4_guest_allowed = cpuid->cr4_allowed & host->cr4_allowed;
	vcpu->arch.xcr0_allowed = cpuid->xcr0_allowed & host->xcr0_allowed;
}

int lhv_cpuid_set(struct lhv_vcpu *vcpu, const struct lhv_cpuid_entry *entries, u32 n)
{
	struct lhv_cpuid *cpuid = lhv_cpuid_new(entries, n);

	if (IS_ERR(cpuid))
		return PTR_ERR(cpuid);
	use_table(vcpu, cpuid);
	return 0;
}

void lhv_cpuid_init(struct lhv_vcpu *vcpu)
{
	use_table(vcpu, lhv_cpuid_host());
}

void lhv_cpuid_destroy(struct lhv_vcpu *vcpu)
{
	if (vcpu->arch.cpuid != lhv_cpuid_host())
		kfree(vcpu->arch.cpuid);
	vcpu->arch.cpuid = NULL;
}

static void set_apic_id(struct lhv_cpuid_entry *e, u32 apic_id)
{
	switch (e->function) {
	case LEAF_FEATURES:
		e->ebx = (e->ebx & GENMASK(23, 0)) | apic_id << 24;
		break;
	case LEAF_TOPOLOGY:
	case LEAF_TOPOLOGY_V2:
		e->edx = apic_id;
		break;
	}
}

int lhv_cpuid_get_record(struct lhv_vcpu *vcpu, void *data, u32 *len)
{
	const struct lhv_cpuid *cpuid = vcpu->arch.cpuid;
	u32 need = array_size(cpuid->count, sizeof(cpuid->entries[0]));
	struct lhv_cpuid_entry *entries = data;
	bool fits = *len >= need;
	u32 i;

	lockdep_assert_held(&vcpu->mutex);
	*len = need;
	if (!fits)
		return -ENOSPC;
	memcpy(entries, cpuid->entries, need);
	for (i = 0; i < cpuid->count; i++)
		set_apic_id(&entries[i], vcpu->id);
	return 0;
}

int lhv_cpuid_set_record(struct lhv_vcpu *vcpu, const void *data, u32 len)
{
	int ret;

	lockdep_assert_held(&vcpu->mutex);
	if (len % sizeof(struct lhv_cpuid_entry))
		return -EINVAL;
	ret = lhv_cpuid_set(vcpu, data, len / sizeof(struct lhv_cpuid_entry));
	if (ret)
		return ret;
	lhv_update_cr4_mask(vcpu);
	return 0;
}

/* ---- the instruction ---- */

/* Bytes of an XSAVE area that holds the states in @xcr0 (SDM 1 13.4.2, 13.4.3). */
static u32 xsave_size(const struct lhv_cpuid *cpuid, u64 xcr0, bool compacted)
{
	const struct lhv_cpuid_entry *e;
	u32 size = XSAVE_BASE_SIZE;
	int i;

	for (i = 2; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = lhv_cpuid_find(cpuid, LEAF_XSTATE, i);
		if (!e)
			continue;
		if (!compacted)
			size = max(size, e->ebx + e->eax);
		else
			size = (e->ecx & BIT(1) ? ALIGN(size, 64) : size) + e->eax;
	}
	return size;
}

/* Make those bits right that follow the vCPU or its state. */
static void add_live_bits(struct lhv_vcpu *vcpu, struct lhv_cpuid_entry *e)
{
	const struct lhv_cpuid *cpuid = vcpu->arch.cpuid;

	set_apic_id(e, vcpu->id);
	switch (e->function) {
	case LEAF_FEATURES:
		e->ecx &= ~BIT(X86_FEATURE_OSXSAVE % 32);
		if (lhv_get_cr4(vcpu) & X86_CR4_OSXSAVE)
			e->ecx |= BIT(X86_FEATURE_OSXSAVE % 32);
		if (!lhv_lapic_enabled(vcpu))
			e->edx &= ~BIT(X86_FEATURE_APIC % 32);
		break;
	case LEAF_XSTATE:
		if (e->index == 0)
			e->ebx = xsave_size(cpuid, vcpu->arch.xcr0, false);
		else if (e->index == 1 && (e->eax & BIT(X86_FEATURE_XSAVEC % 32)))
			e->ebx = xsave_size(cpuid, vcpu->arch.xcr0, true);
		break;
	}
}

/*
 * For a leaf that isn't there: one beyond the largest of its range answers as
 * the largest basic leaf does (SDM 2A, CPUID). The range of a hypervisor's leaf
 * begins at the 256 around it, since each interface has its own.
 */
static u32 clamp_function(const struct lhv_cpuid *cpuid, u32 function)
{
	const struct lhv_cpuid_entry *range;
	u32 first = function & BIT(31);

	if (function >= 0x40000000 && function <= 0x4fffffff)
		first = function & ~0xffU;
	else if (function >= 0xc0000000)
		first = 0xc0000000;
	range = first_row(cpuid, first);
	if (range && function <= range->eax)
		return function;
	range = first_row(cpuid, 0);
	return range ? range->eax : 0;
}

void lhv_cpuid_query(struct lhv_vcpu *vcpu, u32 function, u32 index,
		     struct lhv_cpuid_entry *out)
{
	const struct lhv_cpuid *cpuid = vcpu->arch.cpuid;
	const struct lhv_cpuid_entry *first, *e;

	first = first_row(cpuid, function);
	if (!first) {
		function = clamp_function(cpuid, function);
		first = first_row(cpuid, function);
	}
	e = find_index(cpuid, first, index);
	if (e) {
		*out = *e;
		add_live_bits(vcpu, out);
		return;
	}
	memset(out, 0, sizeof(*out));
	/* The levels after the last still tell the x2APIC id. */
	if (first && (function == LEAF_TOPOLOGY || function == LEAF_TOPOLOGY_V2)) {
		out->ecx = index & 0xff;
		out->edx = vcpu->id;
	}
}

static void answer(unsigned long *regs, const struct lhv_cpuid_entry *e)
{
	regs[LHV_RAX] = e->eax;
	regs[LHV_RBX] = e->ebx;
	regs[LHV_RCX] = e->ecx;
	regs[LHV_RDX] = e->edx;
}

/* Apart from the handler, which so needs no stack. */
static noinline void answer_query(struct lhv_vcpu *vcpu)
{
	unsigned long *regs = vcpu->arch.regs;
	struct lhv_cpuid_entry e;

	lhv_cpuid_query(vcpu, regs[LHV_RAX], regs[LHV_RCX], &e);
	answer(regs, &e);
}

enum lhv_fate lhv_handle_cpuid(struct lhv_vcpu *vcpu)
{
	const struct lhv_cpuid *cpuid = vcpu->arch.cpuid;
	unsigned long *regs = vcpu->arch.regs;
	u32 function = regs[LHV_RAX];
	u16 row = direct(cpuid, function);

	lhv_stat(vcpu, LHV_VCPU_STAT_CPUID_EXITS);
	if (likely((row & LHV_CPUID_PLAIN) && is_direct(function)))
		answer(regs, &cpuid->entries[(row & ~LHV_CPUID_PLAIN) - 1]);
	else
		answer_query(vcpu);
	lhv_skip_instruction(vcpu);
	return LHV_GUEST;
}
