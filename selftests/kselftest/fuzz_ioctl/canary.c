// SPDX-License-Identifier: GPL-2.0-only
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "canary.h"
#include "vm.h"

#define ORDER_CHECK	'c'
#define ORDER_END	'e'

#define GUEST_WORDS	4096

/*
 * What the kernel gives away next are often pages that somebody just had: a guest
 * that still had them mapped would write here.
 */
#define CHUNKS		24
#define CHUNK_BYTES	KIB(32)
#define CHUNK_WORDS	(CHUNK_BYTES / sizeof(u64))

static u64 expected(u64 generation, u64 i)
{
	return generation * 0x9e3779b97f4a7c15 + i * 0x100000001b3;
}

/* What the last call of this left there, and what the next one is to find */
static void guest_check(u64 generation)
{
	u64 *words = (u64 *)LAYOUT_SCRATCH;
	u64 i;

	for (i = 0; i < GUEST_WORDS; i++) {
		if (generation)
			GUEST_ASSERT_EQ(expected(generation - 1, i), words[i]);
		words[i] = expected(generation, i);
	}
	GUEST_REPORT(expected(generation, GUEST_WORDS));
}

static u64 *chunks[CHUNKS];

static void chunk_renew(unsigned int n)
{
	u64 i;

	for (i = 0; chunks[n] && i < CHUNK_WORDS; i++) {
		if (chunks[n][i] != expected(n, i))
			FAIL("page %p of a bystander has 0x%llx at 0x%llx", (void *)chunks[n],
			     chunks[n][i], i * sizeof(u64));
	}
	if (chunks[n])
		munmap(chunks[n], CHUNK_BYTES);
	chunks[n] = REQUIRE_SYS(mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (i = 0; i < CHUNK_WORDS; i++)
		chunks[n][i] = expected(n, i);
}

static void check_all(struct vcpu *vcpu)
{
	static u64 generation;
	unsigned int i;

	vcpu_set_long(vcpu, guest_check, generation, 0);
	vcpu_run_to_report(vcpu, expected(generation, GUEST_WORDS));
	generation++;
	for (i = 0; i < CHUNKS; i++)
		chunk_renew(i);
}

__attribute__((noreturn))
static void canary_main(int socket)
{
	struct pollfd order = { .fd = socket, .events = POLLIN };
	struct vcpu *vcpu = vcpu_create(vm_create(), 0);
	unsigned int next = 0;
	char byte;

	for (;;) {
		if (!poll(&order, 1, 20)) {
			chunk_renew(next++ % CHUNKS);
			continue;
		}
		if (read(socket, &byte, 1) != 1 || byte == ORDER_END)
			break;
		check_all(vcpu);
		REQUIRE(write(socket, &byte, 1) == 1);
	}
	vm_close(vcpu->vm);
	_exit(0);
}

void canary_start(struct canary *canary)
{
	int sockets[2];

	REQUIRE_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	canary->pid = REQUIRE_SYS(fork());
	if (!canary->pid) {
		close(sockets[0]);
		canary_main(sockets[1]);
	}
	close(sockets[1]);
	canary->socket = sockets[0];
}

bool canary_check(const struct canary *canary)
{
	char byte = ORDER_CHECK;

	return send(canary->socket, &byte, 1, MSG_NOSIGNAL) == 1 &&
	       read(canary->socket, &byte, 1) == 1;
}

void canary_end(const struct canary *canary)
{
	const char byte = ORDER_END;

	(void)send(canary->socket, &byte, 1, MSG_NOSIGNAL);
	close(canary->socket);
	waitpid(canary->pid, NULL, 0);
}
