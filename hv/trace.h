/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: events/lhv/ in tracefs
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM lhv

#if !defined(LHV_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define LHV_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(lhv_entry,
	TP_PROTO(u32 vcpu, unsigned long rip),
	TP_ARGS(vcpu, rip),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(unsigned long, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->rip = rip;
	),
	TP_printk("vcpu %u rip %#lx", __entry->vcpu, __entry->rip)
);

TRACE_EVENT(lhv_exit,
	TP_PROTO(u32 vcpu, u32 reason, unsigned long rip, u64 qualification),
	TP_ARGS(vcpu, reason, rip, qualification),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, reason)
		__field(unsigned long, rip)
		__field(u64, qualification)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->reason = reason;
		__entry->rip = rip;
		__entry->qualification = qualification;
	),
	TP_printk("vcpu %u reason %u rip %#lx qualification %#llx", __entry->vcpu,
		  __entry->reason, __entry->rip, __entry->qualification)
);

TRACE_EVENT(lhv_inject,
	TP_PROTO(u32 vcpu, u32 info, u32 error),
	TP_ARGS(vcpu, info, error),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, info)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->info = info;
		__entry->error = error;
	),
	TP_printk("vcpu %u vector %u type %u error %#x", __entry->vcpu, __entry->info & 0xff,
		  (__entry->info >> 8) & 7, __entry->error)
);

TRACE_EVENT(lhv_page_fault,
	TP_PROTO(u32 vcpu, u64 gpa, u32 access, unsigned long rip),
	TP_ARGS(vcpu, gpa, access, rip),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, access)
		__field(u64, gpa)
		__field(unsigned long, rip)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->access = access;
		__entry->gpa = gpa;
		__entry->rip = rip;
	),
	TP_printk("vcpu %u gpa %#llx %s%s%s rip %#lx", __entry->vcpu, __entry->gpa,
		  __entry->access & 1 ? "r" : "", __entry->access & 2 ? "w" : "",
		  __entry->access & 4 ? "x" : "", __entry->rip)
);

TRACE_EVENT(lhv_msi,
	TP_PROTO(u64 address, u32 data, int delivered),
	TP_ARGS(address, data, delivered),
	TP_STRUCT__entry(
		__field(u64, address)
		__field(u32, data)
		__field(int, delivered)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->data = data;
		__entry->delivered = delivered;
	),
	TP_printk("address %#llx data %#x delivered %d", __entry->address, __entry->data,
		  __entry->delivered)
);

#endif /* LHV_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH hv
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
