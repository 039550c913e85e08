# SPDX-License-Identifier: GPL-2.0-only
# The targets a person types; "make help" tells what they do. The module's
# objects are in Kbuild.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

top := $(CURDIR)
build := $(top)/build
lab := selftests/lab

# Debian's headers hold a release string in include/config that no kernel has.
release = $$(sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)

# Where the module is built against: the running kernel's headers if they are
# there, else those of the lab's default host.
KDIR ?= $(or $(realpath /lib/modules/$(shell uname -r)/build),$(shell \
	$(lab)/install && realpath $$($(lab)/kernel --headers 6.1-cloud)/kdir))

all: packages
	@$(MAKE) module KDIR=$(KDIR)
	@$(MAKE) hvctl
	@ln -sfn mod-$(release)/lhv.ko $(build)/lhv.ko

packages:
	@$(lab)/install

# Kbuild puts objects beside their sources, so each kernel's build has a tree of
# its own, made of links to the sources. With COVERAGE=1 it counts what it executes.
module:
	@set -e; \
	tree=$(build)/mod-$(release)$(if $(COVERAGE),-coverage); \
	mkdir -p $$tree; \
	touch $$tree/begun; \
	cp -rsf $(addprefix $(top)/,Kbuild hv arch ioctl include) $$tree/; \
	find $$tree -xtype l -delete; \
	$(MAKE) $(if $(findstring -j,$(MAKEFLAGS)),,-j$$(nproc)) -C $(KDIR) M=$$tree \
		LHV_COVERAGE=$(if $(COVERAGE),y) modules; \
	mv $$tree/begun $$tree/built

hvctl:
	@mkdir -p $(build)
	@$(MAKE) -C tools/hvctl O=$(build)

run: packages
	@selftests/run/run-guest $(if $(HOST),--this-host)

test: packages
	@selftests/run/run-tests $(TESTS)

coverage: packages
	@selftests/coverage/run $(TESTS)

soak: packages
	@selftests/soak/run $(if $(SOAK_SECONDS),--seconds $(SOAK_SECONDS)) \
		$(if $(SEED),--seed $(SEED)) $(TESTS)

bench: packages
	@selftests/bench/run
	@selftests/bench/resize
	@selftests/bench/scale

conformance: packages
	@selftests/conformance/run $(if $(DIR),$(DIR),"")

clean:
	rm -rf $(build)

help:
	@echo "make             build/lhv.ko (for KDIR, by default the running kernel) and build/hvctl"
	@echo "make run         boot a Debian kernel as a guest of lhv on two vCPUs, in the lab;"
	@echo "                 HOST=1: on this machine instead (loads lhv.ko here; needs VT-x)"
	@echo "make test        all tests; TESTS='NAME...' for those whose names begin so"
	@echo "make coverage    the tests of the debug host, and which of the module's lines they executed;"
	@echo "                 TESTS='NAME...' for others than those"
	@echo "make soak        each fuzzer for SOAK_SECONDS=3600, on numbers that begin at random or at"
	@echo "                 SEED=N; TESTS='NAME...' for those whose names begin so"
	@echo "make bench       lhv beside KVM, in the lab: a table and build/bench/results.json;"
	@echo "                 what more CPUs and memory take a running machine;"
	@echo "                 and what the 1st to the 200th machine costs, and build/bench/scale.svg"
	@echo "make conformance DIR=FOLDER   runs kvm-unit-tests' flat files, which are in FOLDER"
	@echo "make clean       remove build/ (kernels stay in ~/.cache/lhv)"
	@echo "What is missing of Debian's packages is installed first."

.PHONY: all packages module hvctl run test coverage soak bench conformance clean help
