# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by lab: the emulated machine, and running it.

# The emulated clock, in ticks per second. The debug host needs far more ticks for
# the same work; with a clock as slow it would do little but serve its timers.
ticks_per_second() {
	case $host in
	debug) echo 200000000 ;;
	*) echo 50000000 ;;
	esac
}

# What no lab needs and takes most of the kernel's start: checks of certificates,
# of kprobes and of weak functions, and all that makes the kernel parse its BTF.
SKIPPED_INITCALLS=load_system_certificate_list,init_kprobe_trace
SKIPPED_INITCALLS+=,ftrace_check_for_weak_functions
SKIPPED_INITCALLS+=,bpf_rstat_kfunc_init,bpf_key_sig_kfuncs_init,bpf_tcp_ca_kfunc_init
SKIPPED_INITCALLS+=,bpf_prog_test_run_init,kfunc_init,cubictcp_register,bpf_kfunc_init
SKIPPED_INITCALLS+=,bpf_fs_kfuncs_init,bpf_kprobe_multi_kfuncs_init,bpf_mptcp_kfunc_init
SKIPPED_INITCALLS+=,cpumask_kfunc_init,crypto_kfunc_init
readonly SKIPPED_INITCALLS

# What the kernel's watchdogs bark at ends the lab, rather than its time limit.
kernel_arguments() {
	echo "console=ttyS0,115200 quiet nokaslr mitigations=off" \
		"tsc=reliable tsc_early_khz=$(($(ticks_per_second) / 1000)) no_timer_check" \
		"idle=halt panic=-1 reboot=t random.trust_cpu=on" \
		"softlockup_panic=1 sysctl.kernel.panic_on_rcu_stall=1" \
		"cryptomgr.notests initcall_blacklist=$SKIPPED_INITCALLS$append"
}

# The kernel, decompressed here rather than in the emulator.
make_vmlinux() {
	local temporary=$kernel/vmlinux.$$ decompress
	[[ ! -e $kernel/vmlinux ]] || return 0
	"$tools/image" payload "$kernel/vmlinuz" >"$temporary.payload"
	case $(od -An -tx1 -N4 "$temporary.payload" | tr -d ' ') in
	02214c18) decompress=lz4 ;;
	28b52ffd) decompress=zstd ;;
	fd377a58) decompress="xz --single-stream" ;;
	1f8b*) decompress=gzip ;;
	*) fail "$kernel/vmlinuz is compressed in an unknown way" ;;
	esac
	$decompress -dc <"$temporary.payload" >"$temporary"
	rm "$temporary.payload"
	mv "$temporary" "$kernel/vmlinux"
}

make_image() {
	archive "$root" >"$scratch/run.cpio"
	cat "$tools/base.cpio" "$(host_modules_archive)" "${guests[@]}" "$scratch/run.cpio" \
		>"$scratch/initramfs"
	"$tools/image" boot "$kernel/vmlinuz" "$kernel/vmlinux" "$scratch/initramfs" \
		"$(kernel_arguments)" >"$scratch/image" || fail "no boot image"
	rm -rf "$root" "$scratch/run.cpio" "$scratch/initramfs"
}

# After the debugger's "continue", its commands show where a hung host was.
write_configuration() {
	printf '%s\n' c r sreg creg q >"$scratch/debugger"
	cat >"$scratch/bochsrc" <<-EOF
	plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1
	config_interface: textconfig
	display_library: rfb, options="timeout=0"
	memory: guest=$memory, host=$((memory < 2048 ? memory : 2048))
	romimage: file=/usr/share/bochs/BIOS-bochs-latest
	vgaromimage: file=$tools/boot.rom
	optramimage1: file=$scratch/image, address=0xf00000
	ata0: enabled=0
	ata1: enabled=0
	cpu: model=$model, count=$cpus, ips=$(ticks_per_second), reset_on_triple_fault=0, ignore_bad_msrs=1
	clock: sync=none, time0=1700000000
	com1: enabled=1, mode=file, dev=$scratch/console.log
	port_e9_hack: enabled=1
	log: $scratch/emulator.log
	panic: action=fatal
	error: action=ignore
	EOF
}

# The display that the emulator insists on listens for viewers: on no network,
# where the kernel lets us have one of our own.
run_emulator() {
	local options=(-d "$scratch" -t "$timeout") isolate=()
	! $terminal || options+=(-i)
	! unshare --net true 2>/dev/null || isolate=(unshare --net)
	"$tools/relay" "${options[@]}" -- "${isolate[@]}" bochs -q -f "$scratch/bochsrc" \
		-rc "$scratch/debugger" <&0 &
	relay=$!
	emulator_status=0
	wait "$relay" || emulator_status=$?
	relay=
}
