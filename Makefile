# gs-sidecar: `make` builds, `make test` tests, `make demo` shows. docs/development.md says more.
VERSION = 0.1.0
HERE := $(shell dpkg --print-architecture)
ARCH ?= $(HERE)
# release: the static program, by musl. asan, tsan: with glibc and sanitizers, for `make sanitize`
# and `make tsan`.
KIND ?= release
sanitizers_asan = address,undefined
sanitizers_tsan = thread

sources = $(wildcard base/*.c sync/*.c reloader/*.c probe/*.c sidecar/*.c)
fetch_sources = $(wildcard fetch/*.c)
# The tests of what is in fetch/ are a program of their own: in the other there is no room, see below.
tests_in_c = $(wildcard tests/unit/*.c tests/fuzz/*.c)
of_fetch := $(wildcard tests/unit/*fetch*.c) $(shell grep -l '^\#include "fetch/' $(tests_in_c))
fetch_unit = $(sort $(of_fetch) $(patsubst %,tests/unit/%.c,directory corpus))
unit = $(filter-out $(of_fetch),$(tests_in_c))
programs = $(wildcard tests/programs/*.c)

warnings = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wvla -Wformat=2 -Wpointer-arith -Werror
flags = -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -I. $(warnings)

ifeq ($(KIND),release)
BUILD = build/$(ARCH)
LIBS = $(BUILD)/libs
CC = $(LIBS)/bin/cc
ready = $(LIBS)/stamp
whole = -flto
flags += -Os $(whole) -fno-pie -fno-jump-tables -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector -DCURL_STATICLIB \
	-isystem $(LIBS)/include
# What is measured in tools/build-libs.sh.
smaller = -fno-caller-saves -fno-thread-jumps -fno-tree-dominator-opts -fno-shrink-wrap
flags += $(smaller)
# All of it lies within a megabyte, so addresses take one instruction; the linker says should it not.
ifeq ($(ARCH),arm64)
whole += -mcmodel=tiny
flags += -mno-outline-atomics -fomit-frame-pointer
endif
# Small "common" pages: data follow the constants in the file without a gap, and memory is mapped as
# before.
link = $(filter-out $(warnings),$(flags)) -w -static -no-pie -flto-partition=one -L$(LIBS)/lib \
	-Wl,--gc-sections,-z,noseparate-code,-z,norelro,--build-id=none,--no-eh-frame-hdr \
	-Wl,-z,common-page-size=64
libraries = -lcurl -lmbedtls -lmbedx509 -lmbedcrypto -lmicrohttpd -lcjson -lpthread
# gs-fetch has the small libraries of the program, and others of its own.
FETCH_LIBS = $(BUILD)/fetch-libs
fetch_ready = $(FETCH_LIBS)/stamp
# Theirs come first: both have a libcurl and an Mbed TLS.
fetch_link = -L$(FETCH_LIBS)/lib $(link)
fetch_libraries = -lcurl -larchive -lzstd -lz $(filter-out -lcurl -lmicrohttpd,$(libraries))
else
BUILD = build/$(KIND)
CC = gcc
ready = $(BUILD)/packages
flags += -O1 -g -fno-omit-frame-pointer -fsanitize=$(sanitizers_$(KIND)) -fno-sanitize-recover=all
link = $(flags)
libraries = -lcurl -lmicrohttpd -lcjson -lpthread
fetch_ready = $(ready)
fetch_link = $(link)
fetch_libraries = $(libraries) -larchive -lzstd -lz -lmbedcrypto
endif

objects = $(sources:%.c=$(BUILD)/obj/%.o)
program = $(BUILD)/gs-sidecar
# It serves nobody: its bill of materials says so.
fetch_objects = $(fetch_sources:%.c=$(BUILD)/obj/%.o) \
	$(filter-out %/http_server.o,$(filter $(BUILD)/obj/base/%,$(objects)))
fetch_program = $(BUILD)/gs-fetch
unit_tests = $(BUILD)/unit-tests $(BUILD)/fetch-tests
test_programs = $(programs:tests/programs/%.c=$(BUILD)/programs/%)

all: $(program) $(fetch_program)
ifeq ($(ARCH)$(KIND),$(HERE)release)
	@cmp -s $(program) build/gs-sidecar || { cp $(program) build/gs-sidecar.new && mv build/gs-sidecar.new build/gs-sidecar; }
endif
	@echo "$(program): $$(stat -c %s $(program)) bytes"
	@echo "$(fetch_program): $$(stat -c %s $(fetch_program)) bytes"

# Content hashing is the one place where speed is worth bytes; on amd64 where CPUs have AVX2, as nearly
# all do.
$(BUILD)/obj/base/digest$(if $(filter amd64,$(ARCH)),_avx2).o: flags := $(filter-out $(smaller),$(flags)) -O2

# The tests of arm64 hardly fit into that megabyte together with what they test: they are not part of
# it, and lie in front.
ifeq ($(ARCH)$(KIND),arm64release)
$(BUILD)/obj/tests/%.o: whole =
endif

# In the unit tests the entry of each fuzz target has its target's name, for its corpus.
$(BUILD)/obj/tests/fuzz/%.o: flags += -DLLVMFuzzerTestOneInput=$(notdir $*) -DIN_UNIT_TESTS

# Where both have one, the library of gs-fetch.
ifeq ($(KIND),release)
$(BUILD)/obj/fetch/%.o: flags := -isystem $(FETCH_LIBS)/include '-DMBEDTLS_CONFIG_FILE=<mbedtls_config.h>' $(flags)
$(fetch_sources:%.c=$(BUILD)/obj/%.o): | $(fetch_ready)
endif

$(BUILD)/obj/%.o: %.c Makefile | $(ready)
	@mkdir -p $(@D)
	@echo "compile $<"
	@$(CC) $(flags) -MMD -MP -c -o $@ $<

$(program): $(objects) $(ready)
	@echo "link    $@"
	@$(CC) $(link) $(if $(filter release,$(KIND)),-s) -o $@ $(objects) $(libraries)

# What is linked of base/ for nothing falls out again.
$(fetch_program): $(fetch_objects) $(fetch_ready)
	@echo "link    $@"
	@$(CC) $(fetch_link) $(if $(filter release,$(KIND)),-s) -o $@ $(fetch_objects) $(fetch_libraries)

link_tests = $(CC) $(link) -Wl,-z,max-page-size=4096,--wrap=pthread_create,--wrap=clock_gettime
unit_objects = $(unit:%.c=$(BUILD)/obj/%.o) $(filter-out %/sidecar/main.o,$(objects))
$(BUILD)/unit-tests: $(unit_objects) $(ready)
	@echo "link    $@"
	@$(link_tests) -o $@ $(unit_objects) -lcmocka $(libraries)

# Tests remove their directories by sync/.
fetch_unit_objects = $(fetch_unit:%.c=$(BUILD)/obj/%.o) $(filter-out %/fetch/main.o,$(fetch_objects)) \
	$(filter $(BUILD)/obj/sync/%,$(objects))
$(BUILD)/fetch-tests: $(fetch_unit_objects) $(fetch_ready)
	@echo "link    $@"
	@$(CC) $(fetch_link) -o $@ $(fetch_unit_objects) -lcmocka $(fetch_libraries)

-include $(sort $(patsubst %.o,%.d,$(objects) $(unit_objects) $(fetch_objects) $(fetch_unit_objects)))

$(BUILD)/programs/%: tests/programs/%.c Makefile | $(ready)
	@mkdir -p $(@D)
	@echo "link    $@"
	@$(CC) $(link) $(warnings) -o $@ $<

build/$(ARCH)/libs/stamp: tools/build-libs.sh tools/libs.sh tools/mbedtls_config.h tools/mbedtls_own.c \
		tools/curl_printf.c tools/mhd_reasons.c base/http_client.c base/http_server.c
	tools/install-packages.sh build $(if $(filter $(HERE),$(ARCH)),,$(ARCH))
	tools/build-libs.sh $(ARCH) $(@D)
	@touch $@

build/$(ARCH)/fetch-libs/stamp: tools/build-fetch-libs.sh build/$(ARCH)/libs/stamp
	tools/build-fetch-libs.sh $(ARCH) $(@D)
	@touch $@

$(BUILD)/packages:
	tools/install-packages.sh sanitize
	@mkdir -p $(@D) && touch $@

# Everything that has to hold. ARCH=arm64 runs it under qemu, KIND=asan with sanitizers.
test: all $(unit_tests) $(test_programs)
	tools/install-packages.sh test
	tests/run $(ARCH) $(BUILD)

# What they need besides the programs.
test-programs: $(unit_tests) $(test_programs)

sanitize:
	$(MAKE) KIND=asan test

# What has threads; without address randomization where that may be, which can be too much for it.
tsan:
	$(MAKE) KIND=tsan tsan-tests

tsan-tests: all $(unit_tests) $(test_programs)
	tools/install-packages.sh test
	$$(setarch -R true 2>/dev/null && echo setarch -R) \
		tests/run $(ARCH) $(BUILD) tests/system/sync_tree.bats tests/system/sync_types.bats \
		tests/system/fetch_unpack.bats

lint:
	tools/install-packages.sh lint build
	tools/lint.sh $(sort $(sources) $(fetch_sources) $(unit) $(fetch_unit) $(programs))

layers:
	tests/layers.sh

size: all
	tools/install-packages.sh size
	tools/size.sh $(program) $(fetch_program)

demo: all
	tools/install-packages.sh demo
	examples/2048/demo.sh build/gs-sidecar

# Those of both architectures: they hold files alone, so nothing is run to build them.
images:
	tools/install-packages.sh containers build arm64
	$(MAKE) ARCH=amd64
	$(MAKE) ARCH=arm64
	tools/images.sh

# The same as demo in a pod of those images, with a browser.
demo-pod: images
	tools/install-packages.sh browser
	tools/containers.sh examples/2048/demo-pod.sh

# Pods of those images, as kubelet would run them.
test-containers: images $(test_programs)
	tools/install-packages.sh test browser
	tools/containers.sh tests/containers/run $(BUILD)

bench: all $(test_programs)
	tools/install-packages.sh bench
	tests/bench/run $(BUILD)

# Seven minutes, nearly all of them a grace period.
bench-pod: images
	tools/install-packages.sh bench
	tools/containers.sh tests/bench/published/build.sh
	tools/containers.sh tests/bench/pod

# GS_SEED=... repeats one.
differential: all $(unit_tests) $(test_programs)
	tools/install-packages.sh test
	GS_ROUNDS=$${GS_ROUNDS-10000} tests/run $(ARCH) $(BUILD) tests/system/sync_differential.bats

fuzz:
	tools/install-packages.sh sanitize
	tests/fuzz/run

docs: all
	$(program) help settings >docs/config.md

format:
	clang-format -i $(sources) $(fetch_sources) $(wildcard */*.h tests/*/*.c tests/*/*.h)

clean:
	rm -rf build/*/obj build/*/programs build/*/*-tests build/*/gs-sidecar build/*/gs-fetch build/gs-sidecar

.PHONY: all test test-programs sanitize tsan tsan-tests lint layers size demo images demo-pod test-containers bench bench-pod differential fuzz docs format clean
