// SPDX-License-Identifier: GPL-2.0-only
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "machine_dir.h"
#include "tap_limit.h"

#define TUN_DEVICE	"/dev/net/tun"
#define LOCK_FILE	RUN_DIR "/networks.lock"

/* The kernel puts a number in. */
#define TAP_PATTERN	"lhv%d"

/* ---- interfaces ----------------------------------------------------------------- */

static struct ifreq request_for(const char *name)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return request;
}

static int interface_ioctl(unsigned long command, void *arg)
{
	int ret, error, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	ret = ioctl(fd, command, arg);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

static int set_up(const char *name, bool up)
{
	struct ifreq request = request_for(name);

	if (interface_ioctl(SIOCGIFFLAGS, &request))
		return -1;
	request.ifr_flags = up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
	return interface_ioctl(SIOCSIFFLAGS, &request);
}

/* 0: there is none of that name. */
static unsigned int index_of(const char *name)
{
	struct ifreq request = request_for(name);

	return interface_ioctl(SIOCGIFINDEX, &request) ? 0 : request.ifr_ifindex;
}

static int get_mtu(const char *name, unsigned int *mtu)
{
	struct ifreq request = request_for(name);

	if (interface_ioctl(SIOCGIFMTU, &request))
		return fail_errno("cannot read the MTU of %s", name);
	*mtu = request.ifr_mtu;
	return 0;
}

/* A number in a file of sysfs, -1 if there is none. */
static long read_attribute(const char *name, const char *attribute)
{
	char path[80];
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, attribute);
	file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%ld", &value) != 1)
			value = -1;
		fclose(file);
	}
	return value;
}

/* ---- taps ----------------------------------------------------------------------- */

/* As /etc/group has it; a program that is linked statically can ask nobody else. */
static void name_group(long id, char *name, size_t size)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *group;

	snprintf(name, size, "%ld", id);
	while (file && (group = fgetgrent(file))) {
		if (group->gr_gid == id)
			snprintf(name, size, "%s", group->gr_name);
	}
	if (file)
		fclose(file);
}

static int fail_not_permitted(const char *name)
{
	long id = read_attribute(name, "group");
	char group[64];

	if (id >= 0) {
		name_group(id, group, sizeof(group));
		return fail("the tap %s is not permitted; run hvctl as root, or as a member of its group %s",
			    name, group);
	}
	if (index_of(name))
		return fail("the tap %s is not permitted; run hvctl as root, or have root give it to a group: ip tuntap add %s mode tap group GROUP",
			    name, name);
	return fail("only root may make taps; run hvctl as root, or have root make one for a group: ip tuntap add %s mode tap group GROUP",
		    name);
}

static int fail_attach(const char *name)
{
	switch (errno) {
	case EPERM:
	case EACCES:
		return fail_not_permitted(name);
	case EBUSY:
		return fail("the tap %s is another machine's; give each its own", name);
	case EINVAL:
		return fail("%s is no tap for one queue that hvctl can use; make one with 'ip tuntap add NAME mode tap'",
			    name);
	default:
		return fail_errno("cannot use the tap %s", name);
	}
}

/* @name may be a pattern. */
static int attach(struct tap *tap, const char *name)
{
	struct ifreq request = request_for(name);
	int header = sizeof(struct virtio_net_hdr_v1);

	tap->fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->fd < 0)
		return fail_errno("cannot open " TUN_DEVICE " for the network interface");
	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(tap->fd, TUNSETIFF, &request)) {
		fail_attach(name);
		goto err;
	}
	memcpy(tap->name, request.ifr_name, sizeof(tap->name));
	if (ioctl(tap->fd, TUNSETVNETHDRSZ, &header) || tap_set_offload(tap, 0)) {
		fail_errno("the tap %s knows no virtio header", tap->name);
		goto err;
	}
	return 0;
err:
	close(tap->fd);
	return -1;
}

int tap_set_offload(struct tap *tap, unsigned int offload)
{
	return ioctl(tap->fd, TUNSETOFFLOAD, (unsigned long)offload);
}

u64 tap_statistic(const struct tap *tap, const char *file)
{
	char attribute[32];
	long value;

	snprintf(attribute, sizeof(attribute), "statistics/%s", file);
	value = read_attribute(tap->name, attribute);
	return value < 0 ? 0 : value;
}

/* One that was there is up or down as its owner likes. */
static int open_named(struct tap *tap, const char *name)
{
	tap->made = !index_of(name);
	if (attach(tap, name))
		return -1;
	if (tap->made && set_up(tap->name, true)) {
		close(tap->fd);
		return fail_errno("cannot bring %s up", tap->name);
	}
	return 0;
}

/* ---- bridges -------------------------------------------------------------------- */

static int add_to_bridge(const struct tap *tap, const char *bridge)
{
	struct ifreq port = request_for(tap->name), request = request_for(bridge);

	if (interface_ioctl(SIOCGIFINDEX, &port))
		return -1;
	request.ifr_ifindex = port.ifr_ifindex;
	return interface_ioctl(SIOCBRADDIF, &request);
}

static int fail_bridge(const char *bridge)
{
	switch (errno) {
	case ENODEV:
		return fail("there is no bridge %s; make it with 'ip link add %s type bridge', and bring it up",
			    bridge, bridge);
	case EOPNOTSUPP:
		return fail("%s is no bridge; give the name of one", bridge);
	case EPERM:
		return fail("only root may put an interface at the bridge %s; run hvctl as root, or use a tap that root made",
			    bridge);
	default:
		return fail_errno("cannot put an interface at the bridge %s", bridge);
	}
}

static int open_at_bridge(struct tap *tap, const char *bridge)
{
	tap->made = true;
	if (attach(tap, TAP_PATTERN))
		return -1;
	if (add_to_bridge(tap, bridge)) {
		fail_bridge(bridge);
		goto err;
	}
	if (set_up(tap->name, true)) {
		fail_errno("cannot bring %s up", tap->name);
		goto err;
	}
	return 0;
err:
	close(tap->fd);
	return -1;
}

/* ---- networks ------------------------------------------------------------------- */

/* Who makes or removes a network's bridge holds this, so that nobody's goes meanwhile. */
static int lock_networks(void)
{
	int fd;

	mkdir(RUN_DIR, 0755);
	fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno("cannot open " LOCK_FILE);
	while (flock(fd, LOCK_EX)) {
		if (errno != EINTR) {
			close(fd);
			return fail_errno("cannot lock " LOCK_FILE);
		}
	}
	return fd;
}

static bool has_ports(const char *bridge)
{
	char path[80];
	unsigned int ports = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/class/net/%s/brif", bridge);
	dir = opendir(path);
	if (!dir)
		return true;	/* nobody knows */
	while ((entry = readdir(dir)))
		ports += entry->d_name[0] != '.';
	closedir(dir);
	return ports;
}

static void remove_unused(const char *bridge)
{
	if (has_ports(bridge))
		return;
	set_up(bridge, false);
	interface_ioctl(SIOCBRDELBR, (void *)bridge);
}

/* A network is its machines' alone: the host has no address there, and none makes itself. */
static int forbid_ipv6(const char *name)
{
	int fd, ret = 0;
	char path[80];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;	/* the host has no IPv6 */
	if (fd < 0 || write(fd, "1", 1) != 1)
		ret = fail_errno("cannot keep the host out of the network by %s", path);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int make_bridge(const char *bridge)
{
	if (interface_ioctl(SIOCBRADDBR, (void *)bridge)) {
		if (errno == EEXIST)
			return 0;
		if (errno == EPERM)
			return fail("only root may make a network; run hvctl as root, or use --net tap=NAME with a tap that root made");
		if (errno == ENOPKG)
			return fail("this host has no bridges, which networks need; load the kernel's module with 'modprobe bridge'");
		return fail_errno("cannot make the bridge %s", bridge);
	}
	if (forbid_ipv6(bridge))
		goto err;
	if (set_up(bridge, true)) {
		fail_errno("cannot bring %s up", bridge);
		goto err;
	}
	return 0;
err:
	interface_ioctl(SIOCBRDELBR, (void *)bridge);
	return -1;
}

static int open_in_network(struct tap *tap, unsigned int network)
{
	int ret, lock = lock_networks();

	if (lock < 0)
		return -1;
	snprintf(tap->network, sizeof(tap->network), "lhv-net%u", network & NET_NETWORK_MAX);
	ret = make_bridge(tap->network);
	if (!ret) {
		ret = open_at_bridge(tap, tap->network);
		if (ret)
			remove_unused(tap->network);
	}
	close(lock);
	return ret;
}

static void leave_network(struct tap *tap)
{
	int lock = lock_networks();

	if (lock < 0)
		return;
	remove_unused(tap->network);
	close(lock);
}

/* ---- all of them ---------------------------------------------------------------- */

static int open_kind(struct tap *tap, const struct net_config *config)
{
	switch (config->kind) {
	case NET_BRIDGE:
		return open_at_bridge(tap, config->name);
	case NET_NETWORK:
		return open_in_network(tap, config->network);
	default:
		return open_named(tap, config->name);
	}
}

static int limit(struct tap *tap, u64 bps)
{
	unsigned int index = index_of(tap->name);

	if (tap_limit_set(index, tap->name, bps))
		return -1;
	if (!tap->made)
		tap->limited = index;
	return 0;
}

int tap_open(struct tap *tap, const struct net_config *config)
{
	*tap = (struct tap){ .fd = -1 };
	if (open_kind(tap, config))
		return -1;
	if (get_mtu(tap->name, &tap->mtu) || (config->bps && limit(tap, config->bps))) {
		tap_close(tap);
		return -1;
	}
	return 0;
}

void tap_close(struct tap *tap)
{
	if (tap->limited)
		tap_limit_clear(tap->limited);
	close(tap->fd);
	if (*tap->network)
		leave_network(tap);
}
