// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "console.h"
#include "control.h"
#include "debug_exit.h"
#include "error.h"
#include "firmware.h"
#include "host_root_ports.h"
#include "i8042_reset.h"
#include "layout.h"
#include "port_console.h"
#include "power.h"
#include "signals.h"
#include "size.h"
#include "unplugged.h"

#define FLUSH_MS	5

/* ---- stopping ---------------------------------------------------------- */

void machine_wake(struct machine *m)
{
	u64 one = 1;

	if (write(m->wake_fd, &one, sizeof(one)) < 0)
		return;		/* the counter is full, so it is awake */
}

void machine_stop(struct machine *m, enum stop_reason reason, int value, const char *text)
{
	pthread_mutex_lock(&m->stop_lock);
	if (m->stop == STOP_NONE) {
		m->stop = reason;
		m->stop_value = value;
		snprintf(m->stop_text, sizeof(m->stop_text), "%s", text ? text : "");
		atomic_store_explicit(&m->stopping, true, memory_order_release);
	}
	pthread_mutex_unlock(&m->stop_lock);
	machine_wake(m);
}

bool machine_restarts(const struct machine *m)
{
	return m->stop == STOP_RESET && !m->config->exit_on_reset;
}

/* ---- devices ----------------------------------------------------------- */

static void send_msi(void *opaque, u64 address, u32 data)
{
	struct machine *m = opaque;

	lhv_send_msi(m->vm_fd, address, data);
}

static void serial_transmit(void *opaque, u8 byte)
{
	struct machine *m = opaque;

	if (console_put(m->console, byte))
		machine_wake(m);
}

static void serial_set_irq(void *opaque, bool asserted)
{
	struct machine *m = opaque;

	ioapic_set_pin(&m->ioapic, PIN_SERIAL, asserted);
}

static void ged_set_irq(void *opaque, bool asserted)
{
	struct machine *m = opaque;

	ioapic_set_pin(&m->ioapic, PIN_GED, asserted);
}

static void serial_receive_ready(void *opaque)
{
	machine_wake(opaque);
}

static int add_devices(struct machine *m)
{
	int exit_port = m->config->debug_exit_port;

	m->ports.count = 0;
	m->mmio.count = 0;
	if (bus_add(&m->ports, PORT_SERIAL, SERIAL_PORTS, &serial_ops, &m->serial) ||
	    bus_add(&m->ports, PORT_CMOS, RTC_PORTS, &rtc_ops, &m->rtc) ||
	    bus_add(&m->ports, PORT_I8042_COMMAND, 1, &i8042_reset_ops, m) ||
	    bus_add(&m->ports, PORT_SLEEP_CONTROL, 3, &power_ops, m) ||
	    bus_add(&m->ports, PORT_GED, 1, &ged_ops, &m->ged) ||
	    (m->config->cpus_change && bus_add(&m->ports, PORT_CPUS, CPUS_REGISTERS,
					       &cpu_hotplug_ops, &m->cpus.hotplug)) ||
	    bus_add(&m->mmio, IOAPIC_BASE, IOAPIC_SIZE, &ioapic_ops, &m->ioapic) ||
	    devices_add_to(&m->devices, &m->mmio, &m->ports))
		return -1;
	if (m->memory.region.size &&
	    bus_add(&m->mmio, m->memory.region.start, m->memory.region.size, &unplugged_ops, m))
		return -1;
	if (m->config->host_root &&
	    bus_add(&m->ports, HOST_ROOT_PORT, HOST_ROOT_PORTS, &host_root_ops, m))
		return -1;
	if (exit_port == DEBUG_EXIT_NONE)
		return 0;
	if (bus_add(&m->mmio, DEBUG_MEMORY, DEBUG_MEMORY_SIZE, &debug_bytes_ops,
		    m->debug_memory.data) ||
	    bus_add(&m->ports, DEBUG_LATCH_PORT, DEBUG_LATCH_PORTS, &debug_bytes_ops,
		    m->debug_memory.latch) ||
	    bus_add(&m->ports, DEBUG_PINS_PORT, DEBUG_PINS_PORTS, &debug_pins_ops, &m->ioapic) ||
	    bus_add(&m->ports, exit_port, DEBUG_EXIT_PORTS, &debug_exit_ops, m))
		return fail("--debug-exit: another device is at port 0x%x; choose one that is free, for instance 0xf4",
			    exit_port);
	return 0;
}

/* ---- power on and off -------------------------------------------------- */

static int load_guest(struct machine *m, struct boot_entry *entry)
{
	const struct acpi_cpus cpus = machine_cpus_acpi(m);
	bool pci = devices_wanted(&m->config->devices);

	if (firmware_install(&m->memory, &cpus, pci))
		return -1;
	return boot_load(&m->config->files, &m->memory, ACPI_TABLES_START, entry);
}

static int power_on(struct machine *m, const struct serial_host *serial_host)
{
	struct boot_entry entry;

	/* Before the VM exists, filling memory costs it nothing. */
	if (load_guest(m, &entry))
		return -1;
	m->vm_fd = lhv_create_vm(&m->dev);
	if (m->vm_fd < 0)
		return -1;
	if (lhv_map_memory(m->vm_fd, &m->memory) || machine_cpus_power_on(m))
		goto err_close;
	if (vcpu_set_entry(&m->vcpus[0], &entry))
		goto err_destroy;
	ioapic_init(&m->ioapic, send_msi, m);
	ged_init(&m->ged, ged_set_irq, m);
	m->asked_to_end = false;
	m->input_waits = m->config->host_root;
	serial_init(&m->serial, serial_host);
	devices_power_on(&m->devices, m->vm_fd);
	return 0;

err_destroy:
	machine_cpus_power_off(m);
err_close:
	close(m->vm_fd);
	return -1;
}

static void power_off(struct machine *m)
{
	devices_power_off(&m->devices);
	serial_destroy(&m->serial);
	ged_destroy(&m->ged);
	ioapic_destroy(&m->ioapic);
	machine_cpus_power_off(m);
	close(m->vm_fd);
}

/* ---- running ----------------------------------------------------------- */

bool machine_press_power_button(struct machine *m)
{
	if (machine_pause_wanted(&m->pause) || !ioapic_pin_enabled(&m->ioapic, PIN_GED))
		return false;
	ged_raise(&m->ged, GED_POWER_BUTTON);
	return true;
}

void machine_suspend(struct machine *m, control_ticket ticket)
{
	machine_pause_begin(&m->pause, ticket);
	machine_cpus_kick(m);
}

void machine_resume(struct machine *m)
{
	machine_pause_end(&m->pause);
}

const char *machine_state(struct machine *m)
{
	return machine_pause_is_complete(&m->pause) ? "suspended" : "running";
}

/*
 * SIGTERM presses the power button. A guest that doesn't care, or takes too long, is ended
 * by the next one; one that takes no such interrupts, by the first.
 */
static bool ask_to_end(struct machine *m)
{
	bool again = m->asked_to_end;

	m->asked_to_end = true;
	return !again && machine_press_power_button(m);
}

static void handle_signal(struct machine *m)
{
	struct signalfd_siginfo info;

	if (read(m->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		console_suspend(m->console);
		console_suspend(m->hvc_console);
		kill(getpid(), SIGSTOP);
		break;
	case SIGCONT:
		console_resume(m->console);
		console_resume(m->hvc_console);
		break;
	case SIGWINCH:
		if (m->hvc)
			port_console_measure(m->hvc);
		break;
	case SIGTERM:
		if (ask_to_end(m))
			break;
		/* fall through */
	default:
		machine_stop(m, STOP_SIGNAL, info.ssi_signo, NULL);
	}
}

static void feed_serial(struct machine *m)
{
	struct console *c = m->console;

	if (c->input_used && !m->input_waits && serial_room(&m->serial))
		console_consume(c, serial_receive(&m->serial, c->input, c->input_used));
}

static struct pollfd input_of(const struct console *c)
{
	return (struct pollfd){
		.fd = console_wants_input(c) ? c->in_fd : -1, .events = POLLIN,
	};
}

/* Of two time-outs for poll(), of which -1 is none */
static int sooner(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* What the main thread does while the vCPUs run. */
static void serve(struct machine *m)
{
	struct console *c = m->console, *hvc = m->hvc_console;
	int timeout = -1, hvc_input = -1;

	while (!machine_stopping(m)) {
		struct pollfd fds[] = {
			{ .fd = m->wake_fd, .events = POLLIN },
			{ .fd = m->signal_fd, .events = POLLIN },
			input_of(c), input_of(hvc),
			{ .fd = hvc_input, .events = POLLOUT },
			{ .fd = m->control ? control_fd(m->control) : -1, .events = POLLIN },
			{ 0 }, { 0 },	/* machine_breath_poll()'s */
			{ .fd = console_viewers_poll(c), .events = POLLIN },
			{ .fd = console_viewers_poll(hvc), .events = POLLIN },
		};
		int cpus_timeout;
		bool busy;
		u64 count;

		machine_breath_poll(&m->breath, fds + 6, &timeout);
		if (poll(fds, ARRAY_SIZE(fds), timeout) < 0)
			continue;
		if (fds[0].revents && read(m->wake_fd, &count, sizeof(count)) < 0)
			continue;
		if (fds[1].revents)
			handle_signal(m);
		if ((fds[2].revents && console_read(c)) || (fds[3].revents && console_read(hvc)))
			machine_stop(m, STOP_QUIT, 0, NULL);
		if (fds[5].revents)
			control_serve(m->control);
		machine_pause_serve(&m->pause, m->control);
		cpus_timeout = machine_cpus_serve(m);
		machine_breath_serve(&m->breath, fds + 6);
		busy = console_flush(c);
		busy |= console_flush(hvc);
		console_serve(c, busy || fds[8].revents);
		console_serve(hvc, busy || fds[9].revents);
		feed_serial(m);
		if (m->hvc)
			hvc_input = port_console_serve(m->hvc);
		if (console_has_input_room(c) || console_has_input_room(hvc))
			machine_wake(m);
		timeout = busy ? FLUSH_MS : -1;
		timeout = sooner(timeout, cpus_timeout);
		timeout = sooner(timeout, machine_memory_serve(m));
	}
}

static void say_started(struct machine *m)
{
	if (m->started)
		m->started(m->started_opaque);
	m->started = NULL;
}

static void run_vcpus(struct machine *m)
{
	if (machine_cpus_start(m))
		machine_stop(m, STOP_ERROR, 0, fail_text());
	else
		say_started(m);
	serve(m);
	console_set_waiting(m->console, false);
	machine_pause_give_up(&m->pause, m->control);
	machine_cpus_stop(m);
	console_set_waiting(m->console, true);
}

static void forget_stop(struct machine *m)
{
	m->stop = STOP_NONE;
	atomic_store(&m->stopping, false);
}

int machine_run(struct machine *m)
{
	const struct serial_host serial_host = {
		.transmit = serial_transmit,
		.set_irq = serial_set_irq,
		.receive_ready = serial_receive_ready,
		.opaque = m,
	};

	if (vcpu_init_signals() || add_devices(m))
		return -1;
	if (m->hvc)
		port_console_measure(m->hvc);
	for (;;) {
		if (power_on(m, &serial_host))
			return -1;
		run_vcpus(m);
		power_off(m);
		if (!machine_restarts(m))
			return 0;
		machine_memory_reset(m);
		if (memory_clear(&m->memory))
			return -1;
		forget_stop(m);
	}
}

/* ---- creation ---------------------------------------------------------- */

static int check_config(const struct machine *m)
{
	const struct machine_config *config = m->config;
	const struct lhv_info *info = &m->dev.info;
	u64 top = config->memory;
	struct memory_region region;
	char text[32];

	if (config->cpus_max > info->max_vcpus)
		return fail("--cpus: %u vCPUs are more than the %u that lhv.ko allows",
			    config->cpus_max, info->max_vcpus);
	if (top > LOW_MEMORY_END)
		top += HIGH_MEMORY_START - LOW_MEMORY_END;
	if (memory_region_plan(&region, config->memory, config->memory_max))
		return -1;
	if (region.size)
		top = region.start + region.size;
	if (info->phys_bits < 64 && top > 1ULL << info->phys_bits)
		return fail("--memory: %s is more than this host's guests can address (%u bits)",
			    format_size(config->memory_max, text, sizeof(text)), info->phys_bits);
	return 0;
}

static int create_devices(struct machine *m)
{
	const struct machine_config *config = m->config;

	if (config->devices.ports.hvc) {
		m->hvc = port_console_create(m->hvc_console, m->wake_fd);
		if (!m->hvc)
			return -1;
	}
	if (!devices_create(&m->devices, &config->devices, config->cpus_max, &m->dev, &m->memory,
			    m->hvc)) {
		if (!m->memory.region.size ||
		    !devices_add_mem(&m->devices, &m->memory, m->wake_fd))
			return 0;
		devices_destroy(&m->devices);
	}
	if (m->hvc)
		port_console_destroy(m->hvc);
	return -1;
}

static void destroy_devices(struct machine *m)
{
	devices_destroy(&m->devices);
	if (m->hvc)
		port_console_destroy(m->hvc);
}

static int create_memory(struct machine *m)
{
	return memory_create_growing(&m->memory, m->config->memory, m->config->memory_max,
				     devices_share_memory(&m->config->devices));
}

int machine_create(struct machine *m, const struct machine_config *config,
		   struct console *console, struct console *hvc_console)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH };

	memset(m, 0, sizeof(*m));
	m->config = config;
	m->console = console;
	m->hvc_console = hvc_console;
	if (lhv_open(&m->dev))
		return -1;
	if (check_config(m) || create_memory(m))
		goto err_dev;
	if (machine_cpus_create(m))
		goto err_memory;
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->wake_fd < 0) {
		fail_errno("cannot create an eventfd");
		goto err_vcpus;
	}
	if (create_devices(m))
		goto err_wake;
	if (machine_breath_begin(&m->breath, &config->breath, config->memory,
				 m->devices.balloon))
		goto err_devices;
	m->signal_fd = signals_open(taken, ARRAY_SIZE(taken), NULL);
	if (m->signal_fd < 0)
		goto err_breath;
	pthread_mutex_init(&m->stop_lock, NULL);
	machine_pause_init(&m->pause, m->wake_fd);
	/* The clock has a battery: it keeps its time over a reset. */
	rtc_init(&m->rtc);
	return 0;

err_breath:
	machine_breath_end(&m->breath);
err_devices:
	destroy_devices(m);
err_wake:
	close(m->wake_fd);
err_vcpus:
	machine_cpus_destroy(m);
err_memory:
	memory_destroy(&m->memory);
err_dev:
	lhv_close(&m->dev);
	return -1;
}

void machine_destroy(struct machine *m)
{
	rtc_destroy(&m->rtc);
	machine_pause_destroy(&m->pause);
	pthread_mutex_destroy(&m->stop_lock);
	close(m->signal_fd);
	machine_breath_end(&m->breath);
	destroy_devices(m);
	close(m->wake_fd);
	machine_cpus_destroy(m);
	memory_destroy(&m->memory);
	lhv_close(&m->dev);
}
