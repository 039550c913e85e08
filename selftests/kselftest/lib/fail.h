/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the library does when something fails that the test relies on: the
 * process of the running test says what and ends. Works in every thread.
 */
#ifndef LHV_TEST_FAIL_H
#define LHV_TEST_FAIL_H

__attribute__((noreturn, format(printf, 3, 4)))
void test_fail(const char *file, int line, const char *format, ...);

#define FAIL(...)	test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define REQUIRE(condition) do {						\
	if (!(condition))						\
		FAIL("%s", #condition);					\
} while (0)

/* A system call, or what else returns -1 with errno. Gives its result. */
#define REQUIRE_SYS(call) ({						\
	__typeof__(call) __ret = (call);				\
									\
	if (__ret == (__typeof__(call))-1)				\
		FAIL("%s: %m", #call);					\
	__ret;								\
})

/* What returns a negative errno. Gives its result. */
#define REQUIRE_OK(call) ({						\
	int __ret = (call);						\
									\
	if (__ret < 0)							\
		FAIL("%s: %s", #call, strerror(-__ret));		\
	__ret;								\
})

#endif /* LHV_TEST_FAIL_H */
