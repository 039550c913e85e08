// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "error.h"

#define SCOPE		"systemd-run --user --scope -p Delegate=yes hvctl ..."
#define KILL_MS		2000

static const char * const controllers[CGROUP_CONTROLLERS] = {
	[CGROUP_CPU] = "cpu", [CGROUP_CPUSET] = "cpuset", [CGROUP_MEMORY] = "memory",
};

const char *cgroup_base = "";

/* ---- files ---------------------------------------------------------------------- */

static bool join(char path[static PATH_MAX], const char *folder, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

/* -1 with errno. */
static int write_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];
	ssize_t len = strlen(text);
	int fd, error;

	errno = ENAMETOOLONG;
	if (!join(path, folder, name))
		return -1;
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -1;
	error = write(fd, text, len) == len ? 0 : errno;
	close(fd);
	errno = error;
	return error ? -1 : 0;
}

/* -1 with errno, and "" then. */
static int read_file(const char *folder, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	size_t used = 0;
	ssize_t n;
	int fd;

	*text = '\0';
	errno = ENAMETOOLONG;
	if (!join(path, folder, name))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (used + 1 < size && (n = read(fd, text + used, size - 1 - used)) > 0)
		used += n;
	text[used] = '\0';
	close(fd);
	return 0;
}

/* Is @word one of @text's, which has blanks between them? */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	const char *at;

	for (at = text; (at = strstr(at, word)); at += len) {
		if ((at == text || at[-1] == ' ') && strchr(" \n", at[len]))
			return true;
	}
	return false;
}

static bool file_has_word(const char *folder, const char *name, const char *word)
{
	char text[1024];

	return !read_file(folder, name, text, sizeof(text)) && has_word(text, word);
}

/* ---- where ---------------------------------------------------------------------- */

/* A path of mountinfo, up to its blank: "\040" is a blank, and so on. */
static void unescape(char to[static PATH_MAX], const char *text)
{
	unsigned int used = 0, code;

	while (*text && *text != ' ' && used + 1 < PATH_MAX) {
		if (*text == '\\' && sscanf(text + 1, "%3o", &code) == 1 && code) {
			to[used++] = code;
			text += strnlen(text, 4);
		} else {
			to[used++] = *text++;
		}
	}
	to[used] = '\0';
}

/* The field @n, from 0, of a line; NULL if it has no such. */
static const char *field(const char *line, unsigned int n)
{
	const char *end = line + strcspn(line, "\n");

	while (n--) {
		line += strcspn(line, " \n");
		if (line >= end)
			return NULL;
		line++;
	}
	return line;
}

/* The mount's part that is shown, and where, if the line is that of a cgroup v2. */
static bool parse_mount(const char *line, char root[static PATH_MAX], char at[static PATH_MAX])
{
	static const char type[] = " - cgroup2 ";
	const char *found = strstr(line, type), *first = field(line, 3), *second = field(line, 4);

	if (!found || found > line + strcspn(line, "\n") || !first || !second)
		return false;
	unescape(root, first);
	unescape(at, second);
	return true;
}

/* The line that begins with @start, without that; NULL: there is none. */
static const char *line_of(const char *text, const char *start)
{
	for (;;) {
		if (!strncmp(text, start, strlen(start)))
			return text + strlen(start);
		text = strchr(text, '\n');
		if (!text)
			return NULL;
		text++;
	}
}

int cgroup_place(const char *mounts, const char *groups, char top[static PATH_MAX],
		 char home[static PATH_MAX])
{
	const char *line, *group = line_of(groups, "0::");
	char root[PATH_MAX];
	size_t shown, len;

	for (line = mounts; line && !parse_mount(line, root, top); ) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line || !group)
		return fail("limits need cgroup v2, which isn't mounted on this host; 'mount -t cgroup2 none /sys/fs/cgroup' does that, if nothing else is there");
	/* A mount may show only a part of all groups. */
	shown = strcmp(root, "/") ? strlen(root) : 0;
	len = strcspn(group, "\n");
	if (len < shown || strncmp(group, root, shown)) {
		shown = 0;
		len = 0;
	}
	if (len - shown == 1)	/* "/" */
		len = shown;
	if (snprintf(home, PATH_MAX, "%s%.*s", top, (int)(len - shown), group + shown) >= PATH_MAX)
		return fail("the path of hvctl's cgroup is too long");
	return 0;
}

/* A service manager says so where it leaves what is below to those that it starts. */
static bool is_delegated(const char *path)
{
	static const char * const attributes[] = { "trusted.delegate", "user.delegate" };
	unsigned int i;
	char value;

	for (i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (getxattr(path, attributes[i], &value, 1) == 1 && value == '1')
			return true;
	}
	return false;
}

static int prepend_base(char path[static PATH_MAX])
{
	char copy[PATH_MAX];

	strcpy(copy, path);
	if (snprintf(path, PATH_MAX, "%s%s", cgroup_base, copy) >= PATH_MAX)
		return fail("the path of hvctl's cgroup is too long");
	return 0;
}

int cgroup_find(struct cgroup *group, const char *name)
{
	static char mounts[KIB(256)];
	char groups[KIB(8)], proc[PATH_MAX];

	snprintf(proc, sizeof(proc), "%s/proc/self", cgroup_base);
	if (read_file(proc, "mountinfo", mounts, sizeof(mounts)) ||
	    read_file(proc, "cgroup", groups, sizeof(groups)))
		return fail_errno("cannot read the cgroups of this process");
	if (cgroup_place(mounts, groups, group->top, group->home) ||
	    prepend_base(group->top) || prepend_base(group->home))
		return -1;
	group->own = geteuid() || is_delegated(group->home);
	if (snprintf(group->path, sizeof(group->path), "%s/lhv%c%s",
		     group->own ? group->home : group->top, group->own ? '-' : '/', name) >=
	    PATH_MAX) {
		*group->path = '\0';
		return fail("the path of hvctl's cgroup is too long");
	}
	return 0;
}

/* ---- controllers ---------------------------------------------------------------- */

/* The group that has the machine's below it. */
static void parent_of(const struct cgroup *group, char parent[static PATH_MAX])
{
	strcpy(parent, group->path);
	*strrchr(parent, '/') = '\0';
}

static int fail_missing(const struct cgroup *group, const char *controller)
{
	if (group->own)
		return fail("the controller '%s' isn't delegated to %s; for users that is Delegate=cpu cpuset memory in 'systemctl edit user@.service', and a new login",
			    controller, group->home);
	return fail("this host's cgroup v2 has no controller '%s'; cgroup v1 may have taken it (boot with systemd.unified_cgroup_hierarchy=1), or the kernel may lack it",
		    controller);
}

static int fail_enable(const struct cgroup *group, const char *folder, const char *controller)
{
	if (errno != EBUSY)
		return fail_errno("cannot have the controller '%s' below %s", controller, folder);
	return fail("%s has other processes than hvctl, so it can't have limited groups below it; start hvctl in one of its own: "
		    SCOPE, group->own ? group->home : folder);
}

static int enable_below(const struct cgroup *group, const char *folder, const char *controller)
{
	char text[16];

	if (file_has_word(folder, "cgroup.subtree_control", controller))
		return 0;
	if (!file_has_word(folder, "cgroup.controllers", controller))
		return fail_missing(group, controller);
	snprintf(text, sizeof(text), "+%s", controller);
	if (write_file(folder, "cgroup.subtree_control", text))
		return fail_enable(group, folder, controller);
	return 0;
}

static int enable(const struct cgroup *group, const char *controller)
{
	char parent[PATH_MAX];

	parent_of(group, parent);
	if (!group->own && enable_below(group, group->top, controller))
		return -1;
	return enable_below(group, parent, controller);
}

static int enable_all(const struct cgroup *group, u32 needed)
{
	unsigned int i;

	for (i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (needed & BIT(i) && enable(group, controllers[i]))
			return -1;
	}
	for (i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (!(needed & BIT(i)))
			enable(group, controllers[i]);
	}
	return 0;
}

/* ---- its life ------------------------------------------------------------------- */

static int make_folder(const char *path)
{
	return mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

/*
 * Go there. Until somebody is in a group, others may take it for one that was left behind,
 * and remove it; so may the folder of all machines go.
 */
static int make_and_join(const struct cgroup *group)
{
	char parent[PATH_MAX];
	unsigned int tries;

	parent_of(group, parent);
	for (tries = 0; tries < 100; tries++) {
		if ((!group->own && make_folder(parent)) || make_folder(group->path)) {
			if (errno == ENOENT)
				continue;
			return -1;
		}
		if (!write_file(group->path, "cgroup.procs", "0"))
			return 0;
		if (errno != ENOENT && errno != ENODEV)
			return -1;
	}
	return -1;
}

/* Is the process another hvctl? */
static bool is_hvctl(int pid)
{
	char path[64], mine[PATH_MAX], other[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", mine, sizeof(mine));

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return len > 0 && readlink(path, other, sizeof(other)) == len && !memcmp(mine, other, len);
}

/*
 * Who waits for the machine's start is left behind where it came from, and would be in the
 * way of groups that are limited there. So it comes along.
 */
static void take_along(const struct cgroup *group)
{
	char text[KIB(4)], *line, *rest = text;

	read_file(group->home, "cgroup.procs", text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		if (*line && is_hvctl(atoi(line)))
			write_file(group->path, "cgroup.procs", line);
	}
}

static int fail_join(const struct cgroup *group)
{
	if (group->own && (errno == EACCES || errno == EPERM))
		return fail("this user may not make cgroups below %s; start hvctl in one that is delegated: "
			    SCOPE, group->home);
	if (errno == EROFS)
		return fail("%s is read-only, as in many containers; limits are to be set from outside there",
			    group->top);
	return fail_errno("cannot make the cgroup %s and move there", group->path);
}

int cgroup_enter(struct cgroup *group, u32 needed)
{
	if (make_and_join(group)) {
		fail_join(group);
		rmdir(group->path);
		*group->path = '\0';
		return -1;
	}
	if (group->own)
		take_along(group);
	if (!enable_all(group, needed))
		return 0;
	cgroup_leave(group);
	return -1;
}

/* A group whose groups below it have controllers can't have processes itself. */
static void disable_all(const struct cgroup *group)
{
	char text[16];
	unsigned int i;

	for (i = 0; i < CGROUP_CONTROLLERS; i++) {
		snprintf(text, sizeof(text), "-%s", controllers[i]);
		write_file(group->home, "cgroup.subtree_control", text);
	}
}

void cgroup_leave(struct cgroup *group)
{
	if (!*group->path)
		return;
	if (group->own)
		disable_all(group);
	/* The one that it came from may have gone meanwhile. */
	if (write_file(group->home, "cgroup.procs", "0"))
		write_file(group->top, "cgroup.procs", "0");
	rmdir(group->path);
	*group->path = '\0';
}

/* Wait until nobody is in it any more. */
static void await_empty(const char *path)
{
	char text[256], events[PATH_MAX];
	int fd, waits;

	if (!join(events, path, "cgroup.events"))
		return;
	fd = open(events, O_RDONLY | O_CLOEXEC);
	for (waits = 0; fd >= 0 && waits < 10; waits++) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

		if (n < 0)
			break;
		text[n] = '\0';
		if (strstr(text, "populated 0"))
			break;
		poll(&poll_fd, 1, KILL_MS / 10);
	}
	if (fd >= 0)
		close(fd);
}

void cgroup_remove(const char *path)
{
	if (!rmdir(path) || errno != EBUSY)
		return;
	if (!write_file(path, "cgroup.kill", "1"))
		await_empty(path);
	rmdir(path);
}

void cgroup_all_cpus(char *text, size_t size)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/sys/devices/system/cpu", cgroup_base);
	read_file(folder, "possible", text, size);
	text[strcspn(text, "\n")] = '\0';
}

/* ---- its files ------------------------------------------------------------------ */

bool cgroup_has(const struct cgroup *group, const char *file)
{
	char path[PATH_MAX];

	return *group->path && join(path, group->path, file) && !access(path, F_OK);
}

int cgroup_write(const struct cgroup *group, const char *file, const char *text,
		 const char *option)
{
	if (!write_file(group->path, file, text))
		return 0;
	return fail_errno("%s: cannot write '%s' to %s/%s", option, text, group->path, file);
}

void cgroup_read(const struct cgroup *group, const char *file, char *text, size_t size)
{
	read_file(group->path, file, text, size);
}
