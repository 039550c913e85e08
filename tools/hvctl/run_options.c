// SPDX-License-Identifier: GPL-2.0-only
#include "run_options.h"

#include <string.h>

#include "breath_options.h"
#include "cpus_options.h"
#include "debug_exit.h"
#include "disk_options.h"
#include "error.h"
#include "limit_options.h"
#include "machine_dir.h"
#include "memory_options.h"
#include "net_options.h"
#include "size.h"
#include "verb_options.h"
#include "virtio_vsock.h"

const char run_help[] =
"Usage: hvctl run [OPTION]... --kernel FILE\n"
"  or:  hvctl run [OPTION]... --host-root -- COMMAND [ARGUMENT]...\n"
"Create a virtual machine, boot it, and run it until it powers off.\n"
"\n"
"  --kernel FILE      what to boot: a Linux bzImage, an ELF kernel with a PVH\n"
"                     note, or a Multiboot 1 kernel\n"
"  --initrd FILE      initial RAM disk; for the latter two, the first module\n"
"  --module FILE      a module for PVH and Multiboot kernels; may be repeated\n"
"  --cmdline TEXT     the kernel's command line\n"
"  --cpus N[,max=M]   number of vCPUs (1); with max, 'hvctl set NAME --cpus N' changes it\n"
"                     to any up to M while the machine runs\n"
"  --memory SIZE[,max=SIZE]\n"
"                     memory, in bytes or with K, M or G (512M); with max=, 'hvctl set' can\n"
"                     make it up to so much more while the guest runs\n"
"  --memory min=A,max=B\n"
"                     memory of B, of which a balloon takes all but A while the host's is\n"
"                     scarce\n"
"  --cpu-units N      its share of CPU time where others want it too; they have 1000\n"
"  --cpu-limit PERCENT\n"
"                     at most so much CPU time: 150 is one and a half of the host's CPUs (0,\n"
"                     no limit)\n"
"  --cpu-affinity LIST\n"
"                     the host's CPUs that it may use, for instance 0-3,8 (all)\n"
"  --memory-limit SIZE\n"
"                     at most so much of the host's memory, its own and the kernel's for it\n"
"                     (0, no limit)\n"
"  --host-root        run COMMAND, in the current directory, in a machine with this host's\n"
"                     kernel and its root file system, to which nothing is written; its\n"
"                     status is hvctl's\n"
"  --name NAME        the machine's name, for the other verbs (run-PID)\n"
"  --console WHERE    the serial port: stdio, none, or a file to write to (stdio)\n"
"  --hvc WHERE        a console (virtio), hvc0 in the guest: stdio, none, or a file to\n"
"                     write to (none); with stdio the serial port goes nowhere, unless\n"
"                     --console says where\n"
"  --disk path=FILE[,readonly][,cache=none|writeback][,serial=TEXT][,iops=N][,bps=SIZE]\n"
"                     a drive (virtio) with FILE, a raw image or a block device, in it;\n"
"                     may be repeated\n"
"  --disk vhost-user=SOCKET\n"
"                     a drive that another process serves, for instance\n"
"                     qemu-storage-daemon with a qcow2 image\n"
"  --net tap=NAME|bridge=NAME|network=ID|passt[,mac=MAC][,bps=SIZE]\n"
"                     a network interface (virtio) at a tap, a bridge, the network of that\n"
"                     number, which is the machines' that name it, or the host's own\n"
"                     sockets by passt, which needs no root; with bps, at most so many\n"
"                     bytes a second, each way; may be repeated\n"
"  --share DIR[:TAG][,readonly]\n"
"                     a folder of the host's, which the guest mounts (virtiofs) by TAG,\n"
"                     or its own name; may be repeated; needs virtiofsd\n"
"  --vsock CID        sockets (virtio) between the host and the machine, which has this\n"
"                     context ID\n"
"  --port name=NAME,socket=PATH\n"
"                     a port (virtio) called NAME in the guest, which ends at a unix stream\n"
"                     socket; may be repeated\n"
"  --agent PATH|auto  the port of the guest's qemu-guest-agent, with its socket, for\n"
"                     'hvctl exec'; with auto that is in the machine's folder, and\n"
"                     'hvctl enter' has a port, too\n"
"  --rng              an entropy device (virtio)\n"
"  --balloon size=SIZE\n"
"                     a balloon (virtio) that holds SIZE of the memory, and may be empty\n"
"                     (0); what the guest reports as free is given back, too\n"
"  --on-reset ACTION  when the guest resets: restart it, or exit (restart)\n"
"  --debug-exit PORT  end with status (V << 1) | 1 when V is written to PORT; ports\n"
"                     0x2000 + N drive interrupt pin N, and 64K at 0xff000000\n"
"                     are memory of which each access is an MMIO exit\n"
"  --help             this text\n"
"\n"
"On a terminal, Ctrl-] and then q quits; Ctrl-] twice sends one Ctrl-].\n"
"SIGTERM presses the power button; if that doesn't end the guest, another one ends it.\n"
"\n"
"Exit status: 0 the guest powered off, or the user quit; 1 the guest crashed, or\n"
"could not be started; 2 wrong usage. With --debug-exit, see there.\n";

enum {
	OPT_AGENT = OPT_FIRST,
	OPT_BALLOON,
	OPT_CMDLINE,
	OPT_CONSOLE,
	OPT_CPUS,
	OPT_DEBUG_EXIT,
	OPT_DISK,
	OPT_HOST_ROOT,
	OPT_HVC,
	OPT_INITRD,
	OPT_KERNEL,
	OPT_LIMIT,
	OPT_LIMIT_LAST = OPT_LIMIT + LIMITS - 1,
	OPT_MEMORY,
	OPT_MODULE,
	OPT_NET,
	OPT_ON_RESET,
	OPT_PORT,
	OPT_RNG,
	OPT_SHARE,
	OPT_VSOCK,
};

const struct option run_long_options[] = {
	{ "agent",	required_argument,	NULL, OPT_AGENT },
	{ "balloon",	required_argument,	NULL, OPT_BALLOON },
	{ "cmdline",	required_argument,	NULL, OPT_CMDLINE },
	{ "console",	required_argument,	NULL, OPT_CONSOLE },
	{ "cpus",	required_argument,	NULL, OPT_CPUS },
	{ "debug-exit",	required_argument,	NULL, OPT_DEBUG_EXIT },
	{ "disk",	required_argument,	NULL, OPT_DISK },
	OPTION_HELP,
	{ "host-root",	no_argument,		NULL, OPT_HOST_ROOT },
	{ "hvc",	required_argument,	NULL, OPT_HVC },
	{ "initrd",	required_argument,	NULL, OPT_INITRD },
	{ "kernel",	required_argument,	NULL, OPT_KERNEL },
	LIMIT_OPTIONS(OPT_LIMIT),
	{ "memory",	required_argument,	NULL, OPT_MEMORY },
	{ "module",	required_argument,	NULL, OPT_MODULE },
	OPTION_NAME,
	{ "net",	required_argument,	NULL, OPT_NET },
	{ "on-reset",	required_argument,	NULL, OPT_ON_RESET },
	{ "port",	required_argument,	NULL, OPT_PORT },
	{ "rng",	no_argument,		NULL, OPT_RNG },
	{ "share",	required_argument,	NULL, OPT_SHARE },
	{ "vsock",	required_argument,	NULL, OPT_VSOCK },
	{ 0 }
};

static int parse_on_reset(const char *text, bool *exit_on_reset)
{
	if (strcmp(text, "restart") && strcmp(text, "exit"))
		return fail("--on-reset: '%s' is neither 'restart' nor 'exit'", text);
	*exit_on_reset = !strcmp(text, "exit");
	return 0;
}

static int add_module(struct boot_files *files, const char *path)
{
	if (files->module_count == BOOT_MODULES_MAX)
		return fail("--module: more than %u modules", BOOT_MODULES_MAX);
	files->modules[files->module_count++] = path;
	return 0;
}

static int add_disk(struct devices_config *devices, const char *text)
{
	if (devices->disk_count == DISKS_MAX)
		return fail("--disk: more than %u disks", DISKS_MAX);
	return disk_options_parse(&devices->disk[devices->disk_count++], text);
}

static int add_net(struct devices_config *devices, const char *text)
{
	if (devices->net_count == NETS_MAX)
		return fail("--net: more than %u network interfaces", NETS_MAX);
	return net_options_parse(&devices->net[devices->net_count++], text);
}

static int add_share(struct devices_config *devices, const char *text)
{
	struct share_config *share = &devices->share[devices->share_count];
	unsigned int i;

	if (devices->share_count == SHARES_MAX)
		return fail("--share: more than %u folders", SHARES_MAX);
	if (share_options_parse(share, text))
		return -1;
	for (i = 0; i < devices->share_count; i++) {
		if (!strcmp(devices->share[i].tag, share->tag))
			return fail("--share: the tag '%s' is given twice; give each folder its own as DIR:TAG",
				    share->tag);
	}
	devices->share_count++;
	return 0;
}

static int parse_vsock(const char *text, u32 *cid)
{
	u64 value;

	if (parse_number(text, "--vsock", VSOCK_CID_MIN, VSOCK_CID_MAX, &value))
		return -1;
	*cid = value;
	return 0;
}

static int parse_balloon(const char *text, struct devices_config *devices)
{
	static const char key[] = "size=";

	if (strncmp(text, key, strlen(key)))
		return fail("--balloon: '%s' is not size=SIZE; say how much the balloon holds, for instance size=0",
			    text);
	devices->balloon = true;
	return parse_size(text + strlen(key), "--balloon: size", &devices->balloon_size);
}

static int parse_cpus(const char *text, struct machine_config *machine)
{
	struct cpus_options cpus;

	if (cpus_options_parse(&cpus, text))
		return -1;
	machine->cpus = cpus.number;
	machine->cpus_max = cpus.max;
	machine->cpus_change = cpus.change;
	return 0;
}

static int parse_port(const char *text, int *port)
{
	u64 value;

	if (parse_number(text, "--debug-exit", 0, 0x10000 - DEBUG_EXIT_PORTS, &value))
		return -1;
	*port = value;
	return 0;
}

static int parse_breath(const char *text, struct machine_config *machine)
{
	struct breath_bounds *breath = &machine->breath;

	if (breath_options_parse(text, breath))
		return -1;
	if (!breath->min || !breath->max)
		return fail("--memory: '%s' has no %s; give min=A,max=B", text,
			    breath->min ? "max" : "min");
	machine->memory = breath->max;
	machine->memory_max = breath->max;
	return breath_bounds_check(breath, machine->memory);
}

static int parse_memory(const char *text, struct machine_config *machine)
{
	struct run_memory memory;

	machine->breath = (struct breath_bounds){ 0 };
	machine->devices.mem = false;
	if (breath_options_are(text))
		return parse_breath(text, machine);
	if (run_memory_parse(&memory, text))
		return -1;
	machine->memory = memory.size;
	machine->memory_max = memory.max;
	machine->devices.mem = memory.max > memory.size;
	return 0;
}

static int parse_option(struct run_options *options, int option, const char *text)
{
	struct machine_config *machine = &options->machine;

	switch (option) {
	case OPT_AGENT:
		return port_options_add_agent(&machine->devices.ports, text);
	case OPT_BALLOON:
		return parse_balloon(text, &machine->devices);
	case OPT_CMDLINE:
		machine->files.cmdline = text;
		return 0;
	case OPT_CONSOLE:
		options->console = text;
		return 0;
	case OPT_CPUS:
		return parse_cpus(text, machine);
	case OPT_DEBUG_EXIT:
		return parse_port(text, &machine->debug_exit_port);
	case OPT_DISK:
		return add_disk(&machine->devices, text);
	case OPT_HOST_ROOT:
		options->host_root = true;
		return 0;
	case OPT_HVC:
		machine->devices.ports.hvc = strcmp(text, "none") ? text : NULL;
		return 0;
	case OPT_INITRD:
		machine->files.initrd = text;
		return 0;
	case OPT_KERNEL:
		machine->files.kernel = text;
		return 0;
	case OPT_LIMIT ... OPT_LIMIT_LAST:
		return limit_options_parse(&machine->limits, option - OPT_LIMIT, text);
	case OPT_MEMORY:
		return parse_memory(text, machine);
	case OPT_MODULE:
		return add_module(&machine->files, text);
	case OPT_NET:
		return add_net(&machine->devices, text);
	case OPT_PORT:
		return port_options_add(&machine->devices.ports, text);
	case OPT_RNG:
		machine->devices.rng = true;
		return 0;
	case OPT_SHARE:
		return add_share(&machine->devices, text);
	case OPT_VSOCK:
		return parse_vsock(text, &machine->devices.vsock_cid);
	default:
		return parse_on_reset(text, &machine->exit_on_reset);
	}
}

/* What breathes needs a balloon, which is nobody else's to fill. */
static int add_breath(struct machine_config *machine)
{
	if (!machine->breath.max)
		return 0;
	if (machine->devices.balloon)
		return fail("--balloon: memory with min=A,max=B has a balloon of its own; leave one of them out");
	machine->devices.balloon = true;
	return 0;
}

/* The terminal, or a file, is one console's alone. */
static int share_consoles(struct run_options *options)
{
	const char *hvc = options->machine.devices.ports.hvc;

	if (!options->console)
		options->console = hvc && !strcmp(hvc, "stdio") ? "none" : "stdio";
	if (hvc && !strcmp(hvc, options->console))
		return fail("--console and --hvc: both are %s, which can be one's only; give 'none' or a file to the other",
			    hvc);
	return 0;
}

static int check_host_root(struct run_options *options, char **rest)
{
	const struct machine_config *machine = &options->machine;
	const struct boot_files *files = &machine->files;

	if (!*rest)
		return fail("--host-root: say what to run: hvctl run --host-root -- COMMAND");
	if (files->initrd || files->module_count || *files->cmdline ||
	    machine->debug_exit_port != DEBUG_EXIT_NONE)
		return fail("--host-root brings its own initial RAM disk and command line; leave --initrd, --module, --cmdline and --debug-exit out");
	if (options->console || machine->devices.ports.hvc)
		return fail("--host-root: the command uses hvctl's own input and output; leave --console and --hvc out");
	options->command = rest;
	return share_consoles(options);
}

static int check(struct run_options *options, char **rest)
{
	if (add_breath(&options->machine))
		return -1;
	if (options->host_root)
		return check_host_root(options, rest);
	if (*rest)
		return fail("unexpected argument '%s'; see 'hvctl run --help'", *rest);
	if (!options->machine.files.kernel)
		return fail("say what to boot with --kernel FILE; see 'hvctl run --help'");
	return share_consoles(options);
}

int run_options_parse(struct run_options *options, int argc, char **argv)
{
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = "+:", .options = run_long_options,
	};
	int option;

	*options = (struct run_options){
		.machine = {
			.cpus = 1,
			.cpus_max = 1,
			.memory = MIB(512),
			.memory_max = MIB(512),
			.files.cmdline = "",
			.debug_exit_port = DEBUG_EXIT_NONE,
		},
	};
	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (option == OPTIONS_BAD || parse_option(options, option, optarg))
			return -1;
	}
	options->help = o.help;
	options->machine.name = o.name;
	if (o.name && machine_dir_check_name(o.name, "--name"))
		return -1;
	return o.help ? 0 : check(options, argv + optind);
}
