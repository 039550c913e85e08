// SPDX-License-Identifier: GPL-2.0-only
/*
 * vsock connect CID PORT | listen PORT: sends standard input to the other end of a vsock
 * connection, and then writes what comes from there to standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

static int die(const char *what)
{
	perror(what);
	exit(1);
}

static void copy(int from, int to)
{
	static char buffer[65536];
	ssize_t got, put, done;

	while ((got = read(from, buffer, sizeof(buffer))) > 0) {
		for (done = 0; done < got; done += put) {
			put = write(to, buffer + done, got - done);
			if (put < 0)
				die("write");
		}
	}
	if (got < 0)
		die("read");
}

static int open_socket(void)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	return fd < 0 ? die("socket") : fd;
}

static int connect_to(unsigned int cid, unsigned int port)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port,
	};
	int fd = open_socket();

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	return fd;
}

static int listen_at(unsigned int port)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port,
	};
	int fd = open_socket(), connection;

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		die("listen");
	connection = accept(fd, NULL, NULL);
	return connection < 0 ? die("accept") : connection;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc == 4 && !strcmp(argv[1], "connect"))
		fd = connect_to(strtoul(argv[2], NULL, 0), strtoul(argv[3], NULL, 0));
	else if (argc == 3 && !strcmp(argv[1], "listen"))
		fd = listen_at(strtoul(argv[2], NULL, 0));
	else
		return 2;
	copy(STDIN_FILENO, fd);
	shutdown(fd, SHUT_WR);
	copy(fd, STDOUT_FILENO);
	return 0;
}
