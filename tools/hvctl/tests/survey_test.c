// SPDX-License-Identifier: GPL-2.0-only
/* Asking several machines at once, some of which don't answer. */
#include "survey.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "control_arguments.h"
#include "json_members.h"
#include "machine_dir.h"
#include "test.h"
#include "top_table.h"

#define MACHINES	4

static char folder[] = "/tmp/hvctl-run-XXXXXX";

/* What a machine does with a request */
enum manner { ANSWERS, REFUSES, SAYS_MUCH, IS_LATE };

static struct fake {
	const char *name;
	enum manner manner;
	struct machine_dir dir;
	struct control *control;
	pthread_t thread;
	int stop_fd, late_fd;
	control_ticket ticket;
	unsigned int asked;
} fakes[MACHINES];

#define MUCH	400000

static struct json_object *make_reply(const struct fake *fake)
{
	struct json_object *reply = json_object_new_object(), *cpu = json_object_new_object();
	struct timespec now;
	char *much;

	clock_gettime(CLOCK_MONOTONIC, &now);
	add_string(reply, "name", fake->name);
	add_string(reply, "state", "running");
	add_number(reply, "pid", 7);
	add_number(reply, "time", now.tv_sec * 1000000000ULL + now.tv_nsec);
	add_number(cpu, "user", 1000000ULL * fake->asked);
	json_object_object_add(reply, "cpu", cpu);
	if (fake->manner != SAYS_MUCH)
		return reply;
	much = malloc(MUCH + 1);
	memset(much, 'x', MUCH);
	much[MUCH] = '\0';
	add_string(reply, "much", much);
	free(much);
	return reply;
}

static int handle(void *opaque, const char *command, struct json_object *arguments,
		  struct json_object **result)
{
	struct fake *fake = opaque;

	EXPECT(!strcmp(command, "stats") && !control_no_arguments(arguments));
	fake->asked++;
	if (fake->manner == REFUSES)
		return fail("no stats here");
	if (fake->manner == IS_LATE) {
		fake->ticket = control_current(fake->control);
		return CONTROL_LATER;
	}
	*result = make_reply(fake);
	return 0;
}

static void *serve(void *arg)
{
	struct fake *fake = arg;
	struct pollfd fds[] = {
		{ .fd = control_fd(fake->control), .events = POLLIN },
		{ .fd = fake->stop_fd, .events = POLLIN },
		{ .fd = fake->late_fd, .events = POLLIN },
	};
	eventfd_t count;

	while (poll(fds, ARRAY_SIZE(fds), -1) > 0 && !fds[1].revents) {
		control_serve(fake->control);
		if (fds[2].revents && !eventfd_read(fake->late_fd, &count))
			control_reply(fake->control, fake->ticket, 0, make_reply(fake));
	}
	return NULL;
}

static void start(unsigned int n, const char *name, enum manner manner)
{
	struct fake *fake = &fakes[n];
	struct sockaddr_un address;

	*fake = (struct fake){ .name = name, .manner = manner };
	EXPECT(!machine_dir_claim(&fake->dir, name));
	EXPECT(!machine_dir_control(name, &address));
	fake->control = control_create(&address, name, handle, fake);
	fake->stop_fd = eventfd(0, EFD_CLOEXEC);
	fake->late_fd = eventfd(0, EFD_CLOEXEC);
	EXPECT(!pthread_create(&fake->thread, NULL, serve, fake));
}

static void stop(unsigned int n)
{
	struct fake *fake = &fakes[n];

	eventfd_write(fake->stop_fd, 1);
	pthread_join(fake->thread, NULL);
	control_destroy(fake->control);
	close(fake->stop_fd);
	close(fake->late_fd);
	machine_dir_release(&fake->dir);
}

static void begin(void)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	machine_dir_base = folder;
}

static void end(void)
{
	machine_dir_base = NULL;
	EXPECT(!rmdir(folder));
}

static struct surveyed get(const struct survey *survey, size_t i, const char *name)
{
	struct surveyed machine = { .name = "", .error = "" };

	EXPECT(i < survey_count(survey));
	if (i < survey_count(survey))
		machine = survey_get(survey, i);
	EXPECT(!strcmp(machine.name, name));
	return machine;
}

static void round_of(struct survey *survey, unsigned int ms)
{
	EXPECT(!survey_begin(survey));
	survey_wait(survey, ms);
}

/* One that doesn't wait for those that don't answer */
static void round_until_fresh(struct survey *survey, size_t i)
{
	EXPECT(!survey_begin(survey));
	while (!survey_get(survey, i).fresh)
		survey_wait(survey, 10);
}

static void until_asked(const struct fake *fake, unsigned int times)
{
	while (__atomic_load_n(&fake->asked, __ATOMIC_SEQ_CST) < times)
		usleep(1000);
}

/* Each says what it can; a long reply comes in parts. */
static void several(void)
{
	struct survey *survey = survey_create("stats");
	struct surveyed machine;

	begin();
	round_of(survey, 10000);
	EXPECT_EQ(survey_count(survey), 0);
	start(0, "c", SAYS_MUCH);
	start(1, "a", ANSWERS);
	start(2, "b", REFUSES);
	round_of(survey, 10000);
	EXPECT_EQ(survey_count(survey), 3);
	EXPECT_EQ(survey_pending(survey), 0);
	EXPECT(get(survey, 0, "a").fresh);
	machine = get(survey, 1, "b");
	EXPECT(!machine.fresh && !machine.result);
	EXPECT(!strcmp(machine.error, "no stats here"));
	machine = get(survey, 2, "c");
	EXPECT(machine.fresh);
	EXPECT_EQ(strlen(text_of(machine.result, "much")), MUCH);
	/* Connections are kept, and are as good the next time. */
	round_of(survey, 10000);
	EXPECT(get(survey, 0, "a").fresh && get(survey, 2, "c").fresh);
	survey_destroy(survey);
	stop(0);
	stop(1);
	stop(2);
	end();
}

/* Its answer counts when it comes, and it isn't asked before. */
static void late(void)
{
	struct survey *survey = survey_create("stats");
	unsigned int i;

	begin();
	start(0, "a", ANSWERS);
	start(1, "b", IS_LATE);
	for (i = 0; i < 3; i++) {
		round_until_fresh(survey, 0);
		/* Only the first round waits for it. */
		EXPECT_EQ(survey_pending(survey), !i);
		if (i)
			round_of(survey, 10000);
		until_asked(&fakes[1], 1);
		EXPECT(!get(survey, 1, "b").fresh);
		EXPECT_HAS(get(survey, 1, "b").error, "doesn't answer");
	}
	EXPECT_EQ(fakes[1].asked, 1);
	EXPECT(!survey_begin(survey));
	eventfd_write(fakes[1].late_fd, 1);
	while (!survey_get(survey, 1).fresh)
		survey_serve(survey);
	EXPECT(!*get(survey, 1, "b").error);
	EXPECT_EQ(number_of(object_of(survey_get(survey, 1).result, "cpu"), "user"), 1000000);
	EXPECT(!survey_begin(survey));
	until_asked(&fakes[1], 2);
	survey_destroy(survey);
	stop(0);
	stop(1);
	end();
}

/* Between rounds machines end, begin, and take the name of one that was there. */
static void come_and_go(void)
{
	struct survey *survey = survey_create("stats");

	begin();
	start(0, "a", ANSWERS);
	start(1, "b", ANSWERS);
	round_of(survey, 10000);
	stop(0);
	stop(1);
	start(0, "b", ANSWERS);
	start(1, "c", ANSWERS);
	start(2, "0", ANSWERS);
	round_of(survey, 10000);
	EXPECT_EQ(survey_count(survey), 3);
	EXPECT(get(survey, 0, "0").fresh);
	EXPECT(get(survey, 1, "b").fresh);
	EXPECT(get(survey, 2, "c").fresh);
	stop(0);
	stop(1);
	stop(2);
	round_of(survey, 10000);
	EXPECT_EQ(survey_count(survey), 0);
	survey_destroy(survey);
	end();
}

/* ---- what is no hvctl -------------------------------------------------------------- */

static int listen_fd;
static const char *rubbish;

/* Says it to the first who connects; "" says nothing, and hangs up. */
static void *say_rubbish(void *arg)
{
	int fd = accept(listen_fd, NULL, NULL);
	char request[128];

	EXPECT(recv(fd, request, sizeof(request), 0) > 0);
	if (*rubbish)
		EXPECT(send(fd, rubbish, strlen(rubbish), MSG_NOSIGNAL) > 0);
	close(fd);
	return arg;
}

static void strangers(void)
{
	static const struct {
		const char *text, *error;
	} strange[] = {
		{ "", "hung up" }, { "hello\n", "makes no sense" }, { "{\"x\":1}\n", "no hvctl" },
		{ "{\"control\":2}\n", "later hvctl" },
		{ "{\"control\":1}\n7\n", "makes no sense" },
		{ "{\"control\":1}\n{\"result\":7}\n", "makes no sense" },
		{ "{\"control\":1}\n{\"result\":{}}\n{\"result\":{}}\n", "wasn't asked" },
		{ "{\"control\":1}\n{\"result", "hung up" },
	};
	struct sockaddr_un address;
	struct machine_dir dir;
	struct survey *survey;
	pthread_t thread;
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(strange); i++) {
		EXPECT(!machine_dir_claim(&dir, "x") && !machine_dir_control("x", &address));
		listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		EXPECT(!bind(listen_fd, (struct sockaddr *)&address, sizeof(address)));
		EXPECT(!listen(listen_fd, 1));
		rubbish = strange[i].text;
		EXPECT(!pthread_create(&thread, NULL, say_rubbish, NULL));
		survey = survey_create("stats");
		round_of(survey, 10000);
		pthread_join(thread, NULL);
		survey_serve(survey);
		survey_serve(survey);
		EXPECT_HAS(get(survey, 0, "x").error, strange[i].error);
		survey_destroy(survey);
		close(listen_fd);
		machine_dir_release(&dir);
	}
	end();
}

/* Nobody listens, or nobody takes who knocks. */
static void deaf(void)
{
	struct json_object *list;
	struct machine_dir dir;

	begin();
	EXPECT(!machine_dir_claim(&dir, "x"));
	list = survey_all("stats");
	EXPECT(!strcmp(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN),
		       "[{\"name\":\"x\",\"state\":\"unknown\",\"error\":\"cannot connect to it: No such file or directory\"}]"));
	json_object_put(list);
	machine_dir_release(&dir);
	end();
}

/* ---- hvctl top's rows ------------------------------------------------------------- */

static void rows(void)
{
	struct survey *survey = survey_create("stats");
	struct top_table table = { 0 };

	begin();
	start(0, "a", ANSWERS);
	start(1, "b", IS_LATE);
	round_until_fresh(survey, 0);
	EXPECT(!top_table_take(&table, survey));
	EXPECT_EQ(table.count, 2);
	EXPECT(table.row[0].known && !table.row[0].rated && !table.row[1].known);
	round_of(survey, 10000);
	EXPECT(!top_table_take(&table, survey));
	EXPECT(table.row[0].rated && table.row[0].rates.cpu > 0 && !table.row[1].rated);
	/* The next time it is another, of the same name. */
	stop(0);
	round_of(survey, 10000);
	EXPECT(!top_table_take(&table, survey));
	EXPECT_EQ(table.count, 1);
	start(0, "a", ANSWERS);
	round_of(survey, 10000);
	EXPECT(!top_table_take(&table, survey));
	EXPECT(table.row[0].known && !table.row[0].rated);
	top_table_free(&table);
	survey_destroy(survey);
	stop(0);
	stop(1);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(several),
	TEST_CASE(late),
	TEST_CASE(come_and_go),
	TEST_CASE(strangers),
	TEST_CASE(deaf),
	TEST_CASE(rows),
};

TEST_SUITE(survey_suite, "survey", cases);
