// SPDX-License-Identifier: GPL-2.0-only
#include "boot.h"

#include <assert.h>
#include <string.h>

#include "error.h"
#include "size.h"

/* A bzImage is also a PE file, never an ELF; an ELF may offer both others. */
static const struct boot_format * const formats[] = {
	&boot_bzimage,
	&boot_pvh,
	&boot_multiboot,
};

int boot_load(const struct boot_files *files, struct guest_memory *mem,
	      u64 rsdp, struct boot_entry *entry)
{
	struct boot boot = { .files = files, .mem = mem, .rsdp = rsdp, .entry = entry };
	struct image kernel;
	unsigned int i;
	int ret;

	if (image_open(&kernel, files->kernel, "kernel image"))
		return -1;
	boot.kernel = &kernel;
	memset(entry, 0, sizeof(*entry));

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		ret = formats[i]->probe(&kernel);
		if (ret > 0)
			ret = formats[i]->load(&boot);
		else if (ret == 0)
			continue;
		goto out;
	}
	ret = fail("%s is not a kernel image; hvctl boots bzImage, ELF with a PVH note, and Multiboot 1",
		   files->kernel);
out:
	image_close(&kernel);
	return ret;
}

int boot_changed(const struct boot *boot)
{
	return fail("%s changed while it was being read; try again", boot->kernel->path);
}

/* Does a taken range overlap [start, end)? @used_start is where it starts. */
static bool boot_overlaps(const struct boot *boot, u64 start, u64 end, u64 *used_start)
{
	unsigned int i;

	for (i = 0; i < boot->used_count; i++) {
		if (start < boot->used[i].end && boot->used[i].start < end) {
			*used_start = boot->used[i].start;
			return true;
		}
	}
	return false;
}

static int boot_take(struct boot *boot, u64 start, u64 size)
{
	if (boot->used_count == BOOT_USED_MAX)
		return fail("%s has too many parts", boot->kernel->path);
	boot->used[boot->used_count].start = start;
	boot->used[boot->used_count].end = start + size;
	boot->used_count++;
	return 0;
}

/* Inside one RAM range of the memory map? Callers see to it that nothing wraps. */
static bool boot_is_ram(const struct boot *boot, u64 start, u64 size)
{
	struct memory_range map[MEMORY_MAP_MAX];
	unsigned int n = memory_map(boot->mem, map);
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (map[i].ram && start >= map[i].start &&
		    start - map[i].start <= map[i].size &&
		    size <= map[i].size - (start - map[i].start))
			return true;
	}
	return false;
}

int boot_claim(struct boot *boot, u64 start, u64 size, void **host)
{
	char need[32];
	u64 other;

	if (!boot_is_ram(boot, start, size)) {
		if (start < MIB(1) || start >= LOW_MEMORY_END ||
		    size > LOW_MEMORY_END - start)
			return fail("%s wants to be loaded at 0x%llx, where the machine has no memory",
				    boot->kernel->path, (unsigned long long)start);
		return fail("memory too small: %s needs at least %s; give more with --memory",
			    boot->kernel->path,
			    format_size(align_up(start + size, MIB(1)), need, sizeof(need)));
	}
	if (boot_overlaps(boot, start, start + size, &other))
		return fail("%s has parts that overlap at 0x%llx", boot->kernel->path,
			    (unsigned long long)max_u64(start, other));
	*host = memory_at(boot->mem, start, size);
	return boot_take(boot, start, size);
}

int boot_place(struct boot *boot, u64 size, u64 limit, const char *what,
	       u64 *start, void **host)
{
	u64 end = min_u64(limit, boot->mem->low);
	char text[32];
	u64 at, other;

	/* From the top down, jumping below whatever is in the way. */
	for (;;) {
		if (end < MIB(1) || size > end - MIB(1))
			return fail("memory too small: %s (%s) does not fit; give more with --memory",
				    what, format_size(size, text, sizeof(text)));
		at = align_down(end - size, KIB(4));
		if (!boot_overlaps(boot, at, at + size, &other))
			break;
		end = other;
	}
	*start = at;
	*host = memory_at(boot->mem, at, size);
	return boot_take(boot, at, size);
}

int boot_load_file(struct boot *boot, const char *path, const char *what,
		   u64 limit, struct boot_module *module)
{
	struct image file;
	void *host;
	int ret;

	if (image_open(&file, path, what))
		return -1;
	module->path = path;
	module->size = file.size;
	ret = boot_place(boot, file.size, limit, path, &module->start, &host);
	if (!ret)
		ret = image_read(&file, 0, host, file.size);
	image_close(&file);
	return ret;
}

int boot_load_modules(struct boot *boot, u64 limit, struct boot_module *modules)
{
	const struct boot_files *files = boot->files;
	unsigned int i;
	int n = 0;

	if (files->initrd) {
		if (boot_load_file(boot, files->initrd, "initrd", limit, &modules[n]))
			return -1;
		n++;
	}
	for (i = 0; i < files->module_count; i++) {
		if (boot_load_file(boot, files->modules[i], "module", limit, &modules[n]))
			return -1;
		n++;
	}
	return n;
}

int boot_arena_create(struct boot *boot, struct boot_arena *arena, u64 size, u64 limit)
{
	void *host;

	if (boot_place(boot, size, limit, "boot information", &arena->gpa, &host))
		return -1;
	arena->host = host;
	arena->used = 0;
	arena->size = size;
	return 0;
}

void *boot_arena_take(struct boot_arena *arena, u64 size, u64 *gpa)
{
	u64 at = arena->used;

	assert(size <= arena->size - at);
	arena->used = min_u64(align_up(at + size, 16), arena->size);
	*gpa = arena->gpa + at;
	return arena->host + at;
}

u64 boot_arena_string(struct boot_arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	u64 gpa;

	memcpy(boot_arena_take(arena, size, &gpa), text, size);
	return gpa;
}
