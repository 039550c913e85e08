// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM fd
 */
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "hv/arch.h"
#include "hv/eventfd.h"
#include "ioctl/ioctl.h"

static long create_vcpu(void *object, void *arg)
{
	struct lhv_create_vcpu *create = arg;
	struct lhv_vm *vm = object;
	struct lhv_vcpu *vcpu;
	int fd;

	if (create->reserved || create->id >= LHV_MAX_VCPUS)
		return -EINVAL;
	vcpu = lhv_vcpu_create(vm, create->id);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	fd = lhv_new_fd("lhv-vcpu", &lhv_vcpu_fops, vcpu);
	if (fd < 0)
		lhv_vcpu_destroy(vcpu);
	return fd;
}

/* Who holds it may wait for its bitmap's page (userfaultfd). EINTR isn't seen by anyone. */
static int lock_vm(struct lhv_vm *vm)
{
	return mutex_lock_killable(&vm->lock);
}

static long set_memory(void *object, void *arg)
{
	struct lhv_memory *mem = arg;
	struct lhv_vm *vm = object;
	u64 limit = BIT_ULL(lhv_phys_bits());
	int ret;

	if (mem->reserved || mem->slot >= LHV_MAX_SLOTS)
		return -EINVAL;
	if ((mem->gpa | mem->bytes | mem->hva) & ~PAGE_MASK)
		return -EINVAL;
	if (mem->bytes > limit || mem->gpa > limit - mem->bytes)
		return -EINVAL;
	if (mem->bytes && !access_ok(u64_to_user_ptr(mem->hva), mem->bytes))
		return -EINVAL;
	ret = lock_vm(vm);
	if (ret)
		return ret;
	ret = lhv_set_memory(vm, mem);
	mutex_unlock(&vm->lock);
	return ret;
}

static long get_dirty_log(void *object, void *arg)
{
	struct lhv_dirty_log *log = arg;
	struct lhv_vm *vm = object;
	int ret;

	if (log->reserved || log->slot >= LHV_MAX_SLOTS)
		return -EINVAL;
	ret = lock_vm(vm);
	if (ret)
		return ret;
	ret = lhv_get_dirty_log(vm, log->slot, u64_to_user_ptr(log->bitmap), log->bytes);
	mutex_unlock(&vm->lock);
	return ret;
}

static long send_msi(void *object, void *arg)
{
	struct lhv_msi *msi = arg;
	int ret;

	ret = lhv_arch_send_msi(object, msi->address, msi->data);
	if (ret < 0)
		return ret;
	msi->delivered = ret;
	return 0;
}

static long irqfd(void *object, void *arg)
{
	struct lhv_irqfd *irqfd = arg;
	bool deassign = irqfd->flags & LHV_IRQFD_DEASSIGN;

	if (irqfd->reserved)
		return -EINVAL;
	if (deassign && (irqfd->flags != LHV_IRQFD_DEASSIGN || irqfd->address || irqfd->data))
		return -EINVAL;
	if (!deassign && !lhv_arch_msi_valid(irqfd->address, irqfd->data))
		return -EINVAL;
	if ((irqfd->flags & LHV_IRQFD_RESAMPLE) && !lhv_arch_msi_is_level(irqfd->data))
		return -EINVAL;
	if (irqfd->resample_fd &&
	    (irqfd->flags & (LHV_IRQFD_RESAMPLE | LHV_IRQFD_UPDATE)) != LHV_IRQFD_RESAMPLE)
		return -EINVAL;
	return lhv_irqfd(object, irqfd);
}

static long ioeventfd(void *object, void *arg)
{
	struct lhv_ioeventfd *io = arg;
	bool pio = io->flags & LHV_IOEVENTFD_PIO;
	u64 last = io->address + (io->length ? io->length - 1 : 0);

	if (io->length > (pio ? 4 : 8) || (io->length && !is_power_of_2(io->length)))
		return -EINVAL;
	if (last < io->address || last > (pio ? U16_MAX : BIT_ULL(lhv_phys_bits()) - 1))
		return -EINVAL;
	if (io->flags & LHV_IOEVENTFD_DATAMATCH) {
		if (!io->length || (io->length < 8 && io->data >> 8 * io->length))
			return -EINVAL;
	} else if (io->data) {
		return -EINVAL;
	}
	return lhv_ioeventfd(object, io);
}

static long get_stats(void *object, void *arg)
{
	struct lhv_vm *vm = object;
	u64 values[LHV_VM_STAT_COUNT];
	int i;

	for (i = 0; i < LHV_VM_STAT_COUNT; i++)
		values[i] = atomic64_read(&vm->stats[i]);
	return lhv_copy_stats(arg, values, LHV_VM_STAT_COUNT);
}

static long get_state(void *object, void *arg)
{
	struct lhv_state *state = arg;
	struct lhv_vm *vm = object;
	struct lhv_clock clock = {
		.tsc_offset = vm->tsc_offset + lhv_tsc_lost,
		.tsc_khz = tsc_khz,
	};
	u32 room = state->length;

	if (state->reserved)
		return -EINVAL;
	if (state->type != LHV_STATE_CLOCK)
		return -ENOENT;
	if (state->version > 1)
		return -EOPNOTSUPP;
	state->version = 1;
	state->length = sizeof(clock);
	if (room < sizeof(clock))
		return -ENOSPC;
	local_irq_disable();
	clock.host_tsc = rdtsc();
	clock.boottime_ns = ktime_get_boottime_ns();
	clock.realtime_ns = ktime_get_real_ns();
	local_irq_enable();
	if (copy_to_user(u64_to_user_ptr(state->data), &clock, sizeof(clock)))
		return -EFAULT;
	return 0;
}

/* There is no record of a VM that can be written. */
static long set_state(void *object, void *arg)
{
	struct lhv_state *state = arg;

	if (state->reserved)
		return -EINVAL;
	return state->type == LHV_STATE_CLOCK ? -EINVAL : -ENOENT;
}

static const struct lhv_command commands[] = {
	{ LHV_VM_CREATE_VCPU, sizeof(struct lhv_create_vcpu), sizeof(struct lhv_create_vcpu),
	  .run = create_vcpu },
	{ LHV_VM_SET_MEMORY, sizeof(struct lhv_memory), sizeof(struct lhv_memory),
	  .flags = LHV_MEM_READONLY | LHV_MEM_LOG_DIRTY, .run = set_memory },
	{ LHV_VM_GET_DIRTY_LOG, sizeof(struct lhv_dirty_log), sizeof(struct lhv_dirty_log),
	  .run = get_dirty_log },
	{ LHV_VM_SEND_MSI, sizeof(struct lhv_msi), sizeof(struct lhv_msi),
	  .out = true, .run = send_msi },
	{ LHV_VM_IRQFD, sizeof(struct lhv_irqfd), sizeof(struct lhv_irqfd),
	  .flags = LHV_IRQFD_DEASSIGN | LHV_IRQFD_RESAMPLE | LHV_IRQFD_UPDATE, .run = irqfd },
	{ LHV_VM_IOEVENTFD, sizeof(struct lhv_ioeventfd), sizeof(struct lhv_ioeventfd),
	  .flags = LHV_IOEVENTFD_DEASSIGN | LHV_IOEVENTFD_PIO | LHV_IOEVENTFD_DATAMATCH,
	  .run = ioeventfd },
	{ LHV_VM_GET_STATS, sizeof(struct lhv_stats), sizeof(struct lhv_stats),
	  .out = true, .run = get_stats },
	{ LHV_VM_GET_STATE, sizeof(struct lhv_state), sizeof(struct lhv_state),
	  .out = true, .run = get_state },
	{ LHV_VM_SET_STATE, sizeof(struct lhv_state), sizeof(struct lhv_state),
	  .run = set_state },
};

static long vm_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct lhv_vm *vm = file->private_data;
	int ret;

	ret = lhv_check_vm(vm);
	if (ret)
		return ret;
	return lhv_dispatch(commands, ARRAY_SIZE(commands), vm, command, arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	lhv_vm_put(file->private_data);
	return 0;
}

const struct file_operations lhv_vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vm_release,
	.llseek = noop_llseek,
};
