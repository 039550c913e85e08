// SPDX-License-Identifier: GPL-2.0-only
/* The command line of "hvctl run", and the numbers in it. */
#include <ctype.h>

#include "debug_exit.h"
#include "error.h"
#include "fuzz.h"
#include "machine_dir.h"
#include "run_options.h"
#include "size.h"

#define ARGS_MAX	80

/* A byte below 32 that starts an argument stands for one of these. */
static const char * const words[] = {
	"--kernel", "--initrd", "--module", "--cmdline", "--cpus", "--memory", "--name",
	"--console", "--on-reset", "--debug-exit", "--help", "--kernel=k", "--module=m",
	"--cpus=", "--memory=", "--name=", "--on-reset=exit", "--on-reset=restart",
	"--debug-exit=", "--balloon", "--balloon=size=", "--hvc", "--hvc=stdio", "--agent=",
	"--port=name=", ",socket=", "--net=", "network=", ",mac=", ",bps=", "--vsock", "--host-root",
	"--", "-", "k", "0xf4", "4096", "--disk=path=", "--share=", "--cpus=2", ",max=",
	"--cpu-units=", "--cpu-limit=", "--cpu-affinity=", "--memory-limit=", "--memory=min=",
	",min=",
};

/* Arguments end at a zero byte. Each is a copy of its own, for the sanitizer. */
static int make_arguments(struct fuzz *f, char **argv)
{
	int argc = 0;

	argv[argc++] = strdup("run");
	while (f->left && argc < ARGS_MAX) {
		const u8 *zero = memchr(f->data, 0, f->left);
		size_t len = zero ? (size_t)(zero - f->data) : f->left;
		const char *word = "";
		size_t start;

		if (*f->data && *f->data <= ARRAY_SIZE(words)) {
			word = words[fuzz_u8(f) - 1];
			len--;
		}
		start = strlen(word);
		argv[argc] = calloc(1, start + len + 1);
		MUST(argv[argc]);
		memcpy(argv[argc], word, start);
		fuzz_bytes(f, argv[argc] + start, len);
		argc++;
		fuzz_u8(f);
	}
	argv[argc] = NULL;
	return argc;
}

/* ---- the same once more, in another way ---------------------------------- */

/* What @text is as a size; -1 if it is none, or too large. */
static __int128 size_of(const char *text)
{
	static const char units[] = "kKmMgG";
	__int128 value = 0;
	const char *unit;

	if (!isdigit((unsigned char)*text))
		return -1;
	for (; isdigit((unsigned char)*text); text++) {
		value = value * 10 + (*text - '0');
		if (value >> 64)
			return -1;
	}
	unit = *text ? strchr(units, *text) : NULL;
	if (*text && (!unit || text[1]))
		return -1;
	if (unit)
		value <<= 10 * ((unit - units) / 2 + 1);
	return value >> 64 ? -1 : value;
}

static __int128 number_of(const char *text)
{
	unsigned int base = 10;
	__int128 value = 0;

	if (*text == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		text += 2;
	}
	do {
		if (!isxdigit((unsigned char)*text) ||
		    (base == 10 && !isdigit((unsigned char)*text)))
			return -1;
		value = value * base + (isdigit((unsigned char)*text) ?
					*text - '0' : (*text | 0x20) - 'a' + 10);
		if (value >> 64)
			return -1;
	} while (*++text);
	return value;
}

static void check_numbers(const char *text)
{
	__int128 want = size_of(text);
	char shown[32];
	u64 value;

	if (parse_size(text, "x", &value)) {
		MUST(want < 0);
	} else {
		MUST(want >= 0 && value == (u64)want);
		MUST(strlen(format_size(value, shown, sizeof(shown))) < sizeof(shown) - 1);
	}
	want = number_of(text);
	if (parse_number(text, "x", 0, UINT64_MAX, &value))
		MUST(want < 0);
	else
		MUST(want >= 0 && value == (u64)want);
}

/* ---- what must be true of a command line --------------------------------- */

/* It is the option that is named, and no other word. */
static void check_refusal(const char *text)
{
	static const char * const unknown[] = { "unknown option ", "unknown or ambiguous option " };
	unsigned int i;

	MUST(*text);
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		if (!strncmp(text, unknown[i], strlen(unknown[i])))
			MUST(text[strlen(unknown[i])] == '-');
	}
}

static void check_options(const struct run_options *options)
{
	const struct machine_config *machine = &options->machine;
	unsigned int i;

	if (options->help)
		return;
	MUST(options->host_root ? options->command && *options->command : !!machine->files.kernel);
	MUST(machine->files.cmdline && options->console);
	MUST(machine->cpus >= 1 && machine->cpus <= machine->cpus_max);
	MUST(machine->cpus_max <= 4096);
	MUST(machine->cpus_change ? machine->cpus_max > 1 : machine->cpus_max == machine->cpus);
	MUST(machine->debug_exit_port == DEBUG_EXIT_NONE ||
	     (machine->debug_exit_port >= 0 &&
	      machine->debug_exit_port + DEBUG_EXIT_PORTS <= 0x10000));
	MUST(machine->devices.balloon || !machine->devices.balloon_size);
	MUST(machine->breath.max ? machine->devices.balloon && machine->breath.min &&
				   machine->breath.min < machine->breath.max &&
				   machine->breath.max == machine->memory : !machine->breath.min);
	MUST(!(machine->limits.given & BIT(LIMIT_CPU_UNITS)) || machine->limits.cpu_units);
	MUST(machine->files.module_count <= BOOT_MODULES_MAX);
	for (i = 0; i < machine->files.module_count; i++)
		MUST(machine->files.modules[i]);
	MUST(!machine->name || !machine_dir_check_name(machine->name, "--name"));
	MUST(machine->devices.ports.count <= PORTS_MAX);
	MUST(!machine->devices.ports.hvc || strcmp(machine->devices.ports.hvc, options->console));
	for (i = 0; i < machine->devices.ports.count; i++) {
		const struct port_config *port = &machine->devices.ports.port[i];

		MUST(*port->name && *port->name != '.' && !strpbrk(port->name, "/ \n"));
		MUST(*port->socket && strlen(port->socket) < sizeof(port->socket));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct run_options options;
	char *argv[ARGS_MAX + 1];
	int i, argc;

	argc = make_arguments(&f, argv);
	for (i = 0; i < argc; i++)
		check_numbers(argv[i]);
	fail_say("%s", "");
	if (run_options_parse(&options, argc, argv))
		check_refusal(fail_text());
	else
		check_options(&options);
	for (i = 0; i < argc; i++)
		free(argv[i]);
	return 0;
}
