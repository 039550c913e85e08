// SPDX-License-Identifier: GPL-2.0-only
/* Holds a machine of KVM's until it is killed; says so once it has one. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR);

	if (kvm < 0 || ioctl(kvm, KVM_CREATE_VM, 0UL) < 0) {
		perror("hold_kvm");
		return 1;
	}
	puts("held");
	fflush(stdout);
	pause();
	return 0;
}
