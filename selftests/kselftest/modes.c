// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processor's modes, and the guest's own ways between them
 */
#include "apic.h"
#include "guest/paging32.h"
#include "guest/payload.h"
#include "test.h"

extern const u8 real_start[], real_end[], real_int21[], real_fault[];
extern const u8 leave_long_start[], leave_long_end[];
extern const u8 paging32_start[], paging32_end[], paging32_pf[], paging32_gp[];

FIXTURE(modes) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(modes)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(modes)
{
	vm_close(self->vm);
}

static void set_ivt(struct vm *vm, u8 vector, u32 offset)
{
	((u32 *)guest_memory(vm, 0))[vector] = PAYLOAD_SEGMENT << 16 | offset;
}

/* A gate for 32-bit code, SDM 3A figure 6-2 */
static void set_gate32(struct vm *vm, u8 vector, u32 address)
{
	u64 *idt = guest_memory(vm, PAGING32_IDT);

	idt[vector] = (address & 0xffff) | SELECTOR_CODE32 << 16 | 0x8e0000000000 |
		      (u64)(address & 0xffff0000) << 32;
}

TEST_F(modes, real)
{
	struct vcpu *vcpu = self->vcpu;
	struct vm *vm = self->vm;
	u8 *memory = guest_memory(vm, 0);
	struct lhv_sregs sregs;
	int i;

	vm_copy_payload(vm, real_start, real_end);
	set_ivt(vm, 0x21, real_int21 - real_start);
	set_ivt(vm, VECTOR_DE, real_fault - real_start);
	set_ivt(vm, VECTOR_UD, real_fault - real_start);
	set_ivt(vm, VECTOR_GP, real_fault - real_start);
	vcpu_set_real(vcpu, PAYLOAD_SEGMENT, 0);

	vcpu_run_to_out(vcpu, PORT, 2, 0xbeef);
	EXPECT_EQ(0xef, memory[0x10010]);
	EXPECT_EQ(0xbe, memory[0x10011]);
	vcpu_run_to_out(vcpu, PORT, 2, PAYLOAD_SEGMENT);
	vcpu_get_sregs(vcpu, &sregs);
	EXPECT_EQ(0x10000, sregs.ds.base);
	EXPECT_EQ(0x1000, sregs.ds.selector);
	EXPECT_EQ(LAYOUT_PAYLOAD, sregs.cs.base);
	vcpu_run_to_out(vcpu, PORT, 2, 0xca11);
	vcpu_run_to_out(vcpu, PORT, 4, 0x12345678);
	vcpu_run_to_out(vcpu, PORT, 2, 0x2121);
	EXPECT_EQ(0xfe, memory[0x10020]);
	for (i = 0; i < 3; i++)
		vcpu_run_to_out(vcpu, PORT, 1, 0xfa);
	vcpu_run_to_io(vcpu, PORT, 4, LHV_IO_OUT);
	EXPECT_LE(0x80000008, *(u32 *)vcpu->run->data);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(0x5a, memory[0x20000 + i]);
	EXPECT_EQ(0, memory[0x20010]);
	vcpu_run_to_out(vcpu, PORT, 4, 0xfee1600d);
	EXPECT_EQ(0xfee1600d, *(u32 *)guest_memory(vm, LAYOUT_SCRATCH));
	vcpu_run_to_out(vcpu, PORT, 4, CR0_ET | CR0_NE);
	vcpu_get_sregs(vcpu, &sregs);
	EXPECT_EQ(0, sregs.ds.base);
	EXPECT_EQ(0xffffffff, sregs.ds.limit);
}

/* From the reset vector: the last 16 bytes below 4 GiB. */
TEST_F(modes, reset_vector)
{
	static const u8 code[] = {
		0xb0, 0x42,		/* mov $0x42, %al */
		0xe6, PORT,		/* out %al, $PORT */
		0xea, 0, 0, 0, 0x80,	/* ljmp $PAYLOAD_SEGMENT, $0 */
	};
	u8 *rom = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)rom);
	memcpy(rom + 0xff0, code, sizeof(code));
	vm_set_memory(self->vm, 1, LHV_MEM_READONLY, 0xfffff000, GUEST_PAGE, rom);
	vm_copy_payload(self->vm, real_start, real_end);
	vcpu_run_to_out(self->vcpu, PORT, 1, 0x42);
	/* The far jump loads CS, and so leaves the top of memory. */
	vcpu_run_to_out(self->vcpu, PORT, 2, 0xbeef);
}

static void guest_in_long_mode(u32 id)
{
	GUEST_ASSERT_EQ(0, id);
	GUEST_ASSERT_EQ(EFER_LME | EFER_LMA | (rdmsr(MSR_EFER) & EFER_NX), rdmsr(MSR_EFER));
	GUEST_ASSERT_EQ(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE, read_register(cr0));
	GUEST_ASSERT_EQ(LAYOUT_PML4, read_register(cr3));
	GUEST_ASSERT_EQ(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT, read_register(cr4));
	/* And exceptions work here. */
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("ud2", : : : "memory"));
}

TEST_F(modes, real_to_long)
{
	struct lhv_sregs sregs;

	guest_var(self->vm, guest_trampoline_entry) = guest_in_long_mode;
	vcpu_set_real(self->vcpu, LAYOUT_TRAMPOLINE >> 4, 0);
	vcpu_run_to_done(self->vcpu);
	vcpu_get_sregs(self->vcpu, &sregs);
	EXPECT_EQ(EFER_LME | EFER_LMA | EFER_NX, sregs.efer);
	EXPECT_EQ(SELECTOR_CODE64, sregs.cs.selector);
	EXPECT_EQ(0xa09b, sregs.cs.access & 0xf0ff);
}

/*
 * Refused: SDM 3A 10.8.5. The processor would refuse it by itself if CD, which changes
 * too, didn't have the instruction leave the guest.
 */
TEST_F(modes, no_long_mode_with_16_bit_tss)
{
	static const u8 code[] = {
		0x0f, 0x22, 0xc0,	/* mov %eax, %cr0 */
		0xb0, 0x01,		/* mov $1, %al */
		0xe6, PORT,		/* out %al, $PORT */
		0xb0, 0x0d,		/* here for #GP: mov $13, %al */
		0xe6, PORT,		/* out %al, $PORT */
	};
	struct vcpu *vcpu = self->vcpu;
	struct lhv_sregs sregs;
	struct lhv_regs regs;

	vm_copy_payload(self->vm, code, code + sizeof(code));
	set_gate32(self->vm, VECTOR_GP, LAYOUT_PAYLOAD + 7);
	vcpu_set_flat(vcpu, LAYOUT_PAYLOAD);
	vcpu_get_sregs(vcpu, &sregs);
	sregs.tr.access = 0x83;
	sregs.idt = (struct lhv_dtable){ .base = PAGING32_IDT, .limit = 0x7f };
	sregs.cr3 = LAYOUT_PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME;
	vcpu_set_sregs(vcpu, &sregs);
	vcpu_get_regs(vcpu, &regs);
	regs.rax = sregs.cr0 | CR0_PG | CR0_CD;
	vcpu_set_regs(vcpu, &regs);
	vcpu_run_to_out(vcpu, PORT, 1, VECTOR_GP);
	/* With one of 32 bits it goes. */
	vcpu_set_flat(vcpu, LAYOUT_PAYLOAD);
	sregs.tr.access = 0x8b;
	vcpu_set_sregs(vcpu, &sregs);
	regs.rip = LAYOUT_PAYLOAD;
	vcpu_set_regs(vcpu, &regs);
	vcpu_run_to_out(vcpu, PORT, 1, 1);
	vcpu_get_sregs(vcpu, &sregs);
	EXPECT_EQ(EFER_LME | EFER_LMA, sregs.efer);
}

TEST_F(modes, long_to_real)
{
	struct lhv_sregs sregs;

	vm_copy_payload(self->vm, leave_long_start, leave_long_end);
	vcpu_set_long(self->vcpu, (void *)LAYOUT_PAYLOAD, 0, 0);
	vcpu_run_to_out(self->vcpu, PORT, 4, 0xc0de32);
	vcpu_run_to_out(self->vcpu, PORT, 4, 7);
	vcpu_run_to_out(self->vcpu, PORT, 4, EFER_LME | EFER_NX);
	vcpu_run_to_out(self->vcpu, PORT, 4, CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
	vcpu_run_to_out(self->vcpu, PORT, 2, PAYLOAD_SEGMENT);
	vcpu_get_sregs(self->vcpu, &sregs);
	EXPECT_EQ(0, sregs.efer);
	EXPECT_EQ(0, sregs.cr4);
	EXPECT_EQ(0, sregs.cr0 & (CR0_PE | CR0_PG));
	EXPECT_EQ(LAYOUT_PAYLOAD, sregs.cs.base);
}

static void make_tables32(struct vm *vm)
{
	u32 *pd = guest_memory(vm, PAGING32_PD);
	u32 *pt = guest_memory(vm, PAGING32_PT);
	const u32 rw = PTE_PRESENT | PTE_WRITE;

	/* Each entry of the directory is for 4 MiB. */
	pd[0] = 0 | PTE_LARGE | rw;
	pd[0x40000000 >> 22] = 0 | PTE_LARGE | rw;
	pd[0x40400000 >> 22] = PAGING32_PT | rw;
	pt[0] = PAGING32_DATA | rw;
	pt[1] = PAGING32_DATA | PTE_PRESENT;
}

static void make_tables_pae(struct vm *vm)
{
	u64 *pdpt = guest_memory(vm, PAGING32_PDPT);
	u64 *pd = guest_memory(vm, PAGING32_PD_PAE);
	u64 *top = guest_memory(vm, PAGING32_PD_TOP);
	u64 *pt = guest_memory(vm, PAGING32_PT_PAE);
	const u64 rw = PTE_PRESENT | PTE_WRITE;

	pdpt[0] = PAGING32_PD_PAE | PTE_PRESENT;
	pdpt[1] = PAGING32_PD_TOP | PTE_PRESENT;
	/* For the attempt to load a bad one. */
	pdpt[4] = PAGING32_PD_PAE | PTE_PRESENT;
	pdpt[5] = PAGING32_PD_TOP | PTE_PRESENT | PTE_WRITE;
	/* Here, for 2 MiB. */
	pd[0] = 0 | PTE_LARGE | rw;
	top[0] = 0 | PTE_LARGE | rw;
	top[2] = PAGING32_PT_PAE | rw;
	pt[0] = PAGING32_DATA | rw;
}

TEST_F(modes, paging_of_32_bits)
{
	struct vcpu *vcpu = self->vcpu;
	struct vm *vm = self->vm;
	u32 *data = guest_memory(vm, PAGING32_DATA);

	vm_copy_payload(vm, paging32_start, paging32_end);
	make_tables32(vm);
	make_tables_pae(vm);
	set_gate32(vm, VECTOR_PF, LAYOUT_PAYLOAD + (paging32_pf - paging32_start));
	set_gate32(vm, VECTOR_GP, LAYOUT_PAYLOAD + (paging32_gp - paging32_start));
	vcpu_set_flat(vcpu, LAYOUT_PAYLOAD);
	data[0] = 0x11223344;

	/* no paging, then 32-bit paging */
	vcpu_run_to_out(vcpu, PORT, 4, 0x11223344);
	vcpu_run_to_out(vcpu, PORT, 4, 0x11223344);
	vcpu_run_to_out(vcpu, PORT, 4, 0x11223344);
	vcpu_run_to_out(vcpu, PORT, 4, 0x50000000);
	vcpu_run_to_out(vcpu, PORT, 4, PF_WRITE);
	EXPECT_EQ(0xabcd, data[1]);
	vcpu_run_to_out(vcpu, PORT, 4, 0x40401000);
	vcpu_run_to_out(vcpu, PORT, 4, PF_WRITE | PF_PRESENT);
	data[1] = 0;

	/* PAE */
	vcpu_run_to_out(vcpu, PORT, 4, 0x11223344);
	vcpu_run_to_out(vcpu, PORT, 4, 0x11223344);
	vcpu_run_to_out(vcpu, PORT, 4, 0x50000000);
	vcpu_run_to_out(vcpu, PORT, 4, PF_WRITE);
	EXPECT_EQ(0xabcd, data[1]);
	/* the PDPTE that is still in its register, and then isn't */
	vcpu_run_to_out(vcpu, PORT, 4, 0x11223344);
	vcpu_run_to_out(vcpu, PORT, 4, 0x40400000);
	vcpu_run_to_out(vcpu, PORT, 4, 0);
	vcpu_run_to_out(vcpu, PORT, 1, 0x6b);
	vcpu_run_to_out(vcpu, PORT, 4, PAGING32_PDPT);
}

/* The host sets paging up: PDPTEs are loaded from memory then. */
TEST_F(modes, pae_set_by_the_host)
{
	static const u8 code[] = {
		0xa1, 0x00, 0x00, 0x40, 0x40,	/* mov 0x40400000, %eax */
		0xe7, PORT,			/* out %eax, $PORT */
	};
	struct lhv_sregs sregs;

	make_tables_pae(self->vm);
	*(u32 *)guest_memory(self->vm, PAGING32_DATA) = 0xfeedf00d;
	vm_copy_payload(self->vm, code, code + sizeof(code));
	vcpu_set_flat(self->vcpu, LAYOUT_PAYLOAD);
	vcpu_get_sregs(self->vcpu, &sregs);
	sregs.cr3 = PAGING32_PDPT;
	sregs.cr4 = CR4_PAE;
	sregs.cr0 |= CR0_PG;
	vcpu_set_sregs(self->vcpu, &sregs);
	vcpu_run_to_out(self->vcpu, PORT, 4, 0xfeedf00d);
}

static void guest_cr0(void)
{
	u64 cr0 = read_register(cr0);

	/* Bits that lhv keeps for itself read as the guest wrote them. */
	write_register(cr0, cr0 | CR0_CD);
	GUEST_ASSERT_EQ(cr0 | CR0_CD, read_register(cr0));
	write_register(cr0, cr0 | CR0_CD | CR0_NW);
	GUEST_ASSERT_EQ(cr0 | CR0_CD | CR0_NW, read_register(cr0));
	write_register(cr0, cr0 & ~CR0_NE);
	GUEST_ASSERT_EQ(cr0 & ~CR0_NE, read_register(cr0));
	write_register(cr0, cr0 | CR0_AM);
	GUEST_ASSERT_EQ(cr0 | CR0_AM, read_register(cr0));
	/* ET can't be cleared; reserved bits below 32 don't stay. */
	write_register(cr0, (cr0 & ~CR0_ET) | BIT(10) | BIT(28));
	GUEST_ASSERT_EQ(cr0, read_register(cr0));

	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr0, cr0 | BIT(32)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr0, cr0 | CR0_NW));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr0, cr0 & ~CR0_PE));
	/* Not from a 64-bit code segment */
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr0, cr0 & ~CR0_PG));
	GUEST_ASSERT_EQ(cr0, read_register(cr0));

	asm volatile("lmsw %w0" : : "r"((u16)(cr0 | CR0_TS)));
	GUEST_ASSERT_EQ(cr0 | CR0_TS, read_register(cr0));
	GUEST_ASSERT_EQ(VECTOR_NM, guest_try("fnop", : : : "memory"));
	asm volatile("clts");
	GUEST_ASSERT_EQ(cr0, read_register(cr0));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try("fnop", : : : "memory"));
	/* LMSW can't clear PE. */
	asm volatile("lmsw %w0" : : "r"((u16)CR0_MP));
	GUEST_ASSERT_EQ(cr0, read_register(cr0));
}

TEST_F(modes, cr0)
{
	vcpu_set_long(self->vcpu, guest_cr0, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

static void guest_cr4(void)
{
	u64 cr4 = read_register(cr4);

	write_register(cr4, cr4 | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE | CR4_PGE);
	GUEST_ASSERT_EQ(cr4 | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE | CR4_PGE, read_register(cr4));
	/* TSD is for user mode alone. */
	GUEST_ASSERT_EQ(NO_FAULT, guest_try("rdtsc", : : : "rax", "rdx", "memory"));
	write_register(cr4, cr4);
	GUEST_ASSERT_EQ(cr4, read_register(cr4));

	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr4, cr4 | CR4_VMXE));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr4, cr4 | BIT(15)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr4, cr4 | BIT(31)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr4, cr4 | BIT(63)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr4, cr4 & ~CR4_PAE));
	GUEST_ASSERT_EQ(cr4, read_register(cr4));

	if (cpuid(1, 0).ecx & BIT(17)) {
		write_register(cr4, cr4 | CR4_PCIDE);
		GUEST_ASSERT_EQ(cr4 | CR4_PCIDE, read_register(cr4));
		write_register(cr3, read_register(cr3) | 5 | BIT(63));
		GUEST_ASSERT_EQ(LAYOUT_PML4 | 5, read_register(cr3));
		write_register(cr3, LAYOUT_PML4);
		write_register(cr4, cr4);
		/* Not with a PCID in CR3 */
		write_register(cr3, LAYOUT_PML4 | BIT(3));
		GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr4, cr4 | CR4_PCIDE));
	}
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr3, BIT(60) | LAYOUT_PML4));
}

TEST_F(modes, cr4)
{
	vcpu_set_long(self->vcpu, guest_cr4, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

static void guest_efer(void)
{
	u64 efer = rdmsr(MSR_EFER);

	GUEST_ASSERT_EQ(EFER_LMA | EFER_LME | EFER_NX, efer);
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_wrmsr(MSR_EFER, efer | EFER_SCE));
	/* LMA isn't written. */
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_wrmsr(MSR_EFER, efer & ~EFER_LMA));
	GUEST_ASSERT_EQ(efer, rdmsr(MSR_EFER));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_EFER, efer & ~EFER_LME));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_EFER, efer | BIT(16)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_EFER, efer | BIT(63)));
}

TEST_F(modes, efer)
{
	vcpu_set_long(self->vcpu, guest_efer, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

static void guest_cr8(void)
{
	u64 i;

	for (i = 0; i < 16; i++) {
		asm volatile("mov %0, %%cr8" : : "r"(i));
		GUEST_ASSERT_EQ(i << 4, apic_read(APIC_TPR));
		apic_write(APIC_TPR, (15 - i) << 4 | 3);
		GUEST_ASSERT_EQ(15 - i, read_register(cr8));
	}
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr8, 16));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr8, BIT(63)));
}

TEST_F(modes, cr8)
{
	vcpu_set_long(self->vcpu, guest_cr8, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

/* What a processor without VMX does with these. */
static void guest_no_vmx(void)
{
	u64 memory = 0;

	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("vmxon %0", : : "m"(memory) : "memory"));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("vmptrld %0", : : "m"(memory) : "memory"));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("vmclear %0", : : "m"(memory) : "memory"));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("vmlaunch", : : : "memory"));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("vmresume", : : : "memory"));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("vmxoff", : : : "memory"));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("vmread %%rax, %%rbx", : : : "rbx", "memory"));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("monitor", : : "a"(&memory), "c"(0), "d"(0)
					     : "memory"));
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("mwait", : : "a"(0), "c"(0) : "memory"));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try("rdpmc", : : "c"(0x1000) : "rax", "rdx", "memory"));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try("wbinvd", : : : "memory"));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try("pause", : : : "memory"));
}

TEST_F(modes, no_vmx_in_the_guest)
{
	vcpu_set_long(self->vcpu, guest_no_vmx, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

TEST_HARNESS_MAIN
