# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by lab: the files that the emulated host is given, as an initramfs.

# From a VM entry with interrupts off to the exit that gives the emulated host its
# own interrupts back: a millisecond. Real CPUs don't need it.
heartbeat() {
	echo $(($(ticks_per_second) / 1000))
}

archive() {	# of folder $1
	(cd "$1" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0)
}

# Busybox and init are the same for all runs.
make_base() {
	local root=$tools/base applet
	[[ $tools/init -nt $tools/base.cpio || $here/host.sh -nt $tools/base.cpio ]] || return 0
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,etc,lab,proc,root,run,sys,tmp,usr/bin,usr/sbin,var/lib}
	ln -s bin "$root/sbin"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in $(busybox --list); do
		[[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	cp "$tools/init" "$root/init"
	archive "$root" >"$tools/base.cpio.tmp"
	mv "$tools/base.cpio.tmp" "$tools/base.cpio"
}

# The modules that a command may want to load itself, with what they need; those for
# networks come along when something names vhost or passt, and what a guest with the host's
# kernel and files needs with --host-root.
readonly HOST_MODULES="irqbypass kvm kvm-intel brd"
readonly HOST_MODULES_ROOT="virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev
	virtio_pci fuse virtiofs overlay"
readonly HOST_MODULES_NET="llc stp bridge tun tap vhost_iotlb vhost vhost_net vsock
	vmw_vsock_virtio_transport_common vhost_vsock sch_tbf sch_ingress cls_matchall act_police"

host_modules=""

choose_host_modules() {
	host_modules=$HOST_MODULES
	! mentions --host-root || host_modules+=" ${HOST_MODULES_ROOT//[$'\n\t']/ }"
	! { mentions vhost || mentions passt; } || host_modules+=" ${HOST_MODULES_NET//[$'\n\t']/ }"
}

host_modules_archive() {
	echo "$kernel/host-modules-$(sha256sum <<<"$host_modules" | cut -c1-16).cpio"
}

make_host_modules() {
	local release root=$kernel/host-modules.$$ name file
	[[ ! -e $(host_modules_archive) ]] || return 0
	release=$(<"$kernel/release")
	mkdir -p "$root/lib/modules/$release"
	for name in $host_modules; do
		file=$(find "$kernel/modules" -name "$name.ko*" | head -n 1)
		case $file in
		*.xz) xz -dc "$file" >"$root/lib/modules/$release/$name.ko" ;;
		*.ko) cp "$file" "$root/lib/modules/$release/" ;;
		esac
	done
	/sbin/depmod -b "$root" "$release" 2>/dev/null || true
	archive "$root" >"$root.cpio"
	rm -rf "$root"
	mv "$root.cpio" "$(host_modules_archive)"
}

# Whether CMD, or a file that was added, contains the text $1.
mentions() {
	local pair
	[[ "${command[*]}" != *"$1"* ]] || return 0
	for pair in "${adds[@]}"; do
		split_pair "$pair"
		! grep -raqsF -e "$1" "$path" || return 0
	done
	return 1
}

# Guest kernels are big; each comes along when something names it.
choose_guests() {
	local names=() list
	if $interactive || mentions /guest/; then
		names=(initrd.img vmlinuz)
		! $interactive && ! mentions vmlinuz-6.12 || names+=(vmlinuz-6.12)
		! mentions vmlinuz-small || names+=(vmlinuz-small)
		! mentions drivers || names+=(drivers.img)
		! { mentions drivers && mentions vmlinuz-6.12; } || names+=(drivers-6.12.img)
		! mentions debian.img || names+=(debian.img)
		list=$("$here/guest-images" "${names[@]}")
		mapfile -t guests <<<"$list"
	fi
}

# Copies file $1 to path $2 of the host, and the libraries that it is linked to.
install_file() {
	local library
	mkdir -p "$root/$(dirname "$2")"
	cp -a --no-preserve=ownership -L "$1" "$root/$2"
	while read -r library; do
		[[ -e $root/$library ]] || install -D "$library" "$root/$library"
	done < <(find "$1" -type f -perm /111 -exec ldd {} + 2>/dev/null |
		grep -o '/[^ ]*' | grep -v ':$' | sort -u)
}

make_root() {
	local pair
	root=$scratch/root
	mkdir -p "$root/lab"
	if $module; then
		mkdir -p "$root/lhv"
		cp "$modules_built"/*.ko "$root/lhv/"
		! $load || printf '%s\0' "/lhv/lhv.ko heartbeat=$(heartbeat)" >"$root/lab/modules"
	fi
	[[ ! -x $build/hvctl ]] || install_file "$build/hvctl" usr/bin/hvctl
	for pair in "${adds[@]}"; do
		split_pair "$pair"
		[[ -e $path ]] || fail "--add $path: no such file"
		[[ $destination == /* ]] || destination=/root/$destination
		install_file "$path" "$destination"
	done
	printf '%s\0' "${command[@]}" >"$root/lab/argv"
	printf '%s\0' "TERM=${TERM:-linux}" >"$root/lab/env"
	for pair in "${gets[@]}"; do
		split_pair "$pair"
		printf '%s\0' "$path" >>"$root/lab/get"
	done
	if $terminal; then
		printf '%s\0' "$(stty size)" >"$root/lab/tty"
	elif [[ -f /dev/stdin ]] || { $interactive && [[ -p /dev/stdin ]]; }; then
		cat >"$root/lab/stdin"
	fi
}
