# make               builds ./dbx and build/libdbx.a
# make test          sets up what is missing, builds, and runs every test; ends in "N passed, M failed"
# make demo          sets up what is missing, builds, and runs the demos of scripts/demos
# make check-asan    the tests under AddressSanitizer and UndefinedBehaviorSanitizer
# make fuzz          random programs under the sanitizers; SEED=1 and SECONDS=30 say which and for how long
# make bench         the ratio tables of tests/bench
# make docs          docs/reference.md, from the entries of operations and built-ins
# make install       installs dbx with its manual page and the shells' completion, and for embedding libdbx.a with dbx.h
#                    and dbx.pc (pkg-config --cflags --libs dbx), below PREFIX (/usr/local) in DESTDIR
# make clean         removes what was built
# V=1 shows every command in full; TESTS="lang show" picks tests by suite or part of a file name.

CC = gcc
PREFIX = /usr/local
BUILD = build
DBX = dbx
JOBS := $(shell nproc 2>/dev/null || echo 1)

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith -Wundef -Wvla
# Kernels are worth more effort of the compiler. Contraction is off so that an element's value does not
# depend on which instructions its loop was compiled to.
OPTIMIZE = -O2
OPTIMIZE_KERNELS = -O3 -fno-trapping-math
# OpenMP is there for two things: with it glibc's headers offer their vector functions to loops, and OpenBLAS's
# OpenMP build asks it how many threads a caller may use (one: see tensor/parallel.h).
CFLAGS = -std=gnu11 -g $(WARNINGS) -fopenmp -fno-math-errno -ffp-contract=off $(SANITIZE)
# Debian keeps each build of OpenBLAS in a folder of its own, with a pkg-config file; the system's default may be
# another than the OpenMP one.
OPENBLAS = /usr/lib/$(shell $(CC) -print-multiarch 2>/dev/null)/openblas-openmp/pkgconfig
packages = $(shell PKG_CONFIG_PATH=$(OPENBLAS):$$PKG_CONFIG_PATH pkg-config $(1) 2>/dev/null)
PACKAGES = openblas readline gsl

CPPFLAGS := -D_GNU_SOURCE -Isrc -I$(BUILD) $(call packages,--cflags $(PACKAGES))
LDFLAGS = -fopenmp -Wl,--as-needed $(SANITIZE)
LDLIBS := $(call packages,--libs $(PACKAGES)) -Wl,-rpath,$(call packages,--variable=libdir openblas) -lm

# ---- what there is ----

SOURCES := $(wildcard src/*/*.c)
GENERATED_SOURCES = $(BUILD)/lexer.c $(BUILD)/parser.c $(BUILD)/std.c $(BUILD)/tour.c
GENERATED_HEADERS = $(BUILD)/parser.h $(BUILD)/op_list.h $(BUILD)/builtin_list.h
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/%.o) $(GENERATED_SOURCES:.c=.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))
STANDARD_LIBRARY := $(wildcard scripts/std/*.dbx)
DEMOS := $(sort $(filter-out scripts/demos/tour.dbx,$(wildcard scripts/demos/*.dbx)))

ifndef V
.SILENT:
endif
say = echo "  $(1)	$(2)"

.PHONY: all test demo run-test run-demo unit-tests check-asan fuzz bench docs install clean FORCE
.DELETE_ON_ERROR:

all: $(DBX) $(BUILD)/libdbx.a

# ---- programs and objects ----

$(DBX): $(BUILD)/main.o $(BUILD)/libdbx.a
	$(call say,LD,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libdbx.a: $(OBJECTS)
	$(call say,AR,$@)
	rm -f $@
	$(AR) rcs $@ $(OBJECTS)

$(BUILD)/%.o: src/%.c Makefile | $(GENERATED_HEADERS)
	mkdir -p $(@D)
	$(call say,CC,$<)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(OPTIMIZE) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: $(BUILD)/%.c Makefile | $(GENERATED_HEADERS)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(OPTIMIZE) -MMD -MP -c -o $@ $<

$(BUILD)/tensor/%.o $(BUILD)/grad/core.o $(BUILD)/ops/%.o: OPTIMIZE = $(OPTIMIZE_KERNELS)

unit-tests: $(UNIT_TESTS)

.SECONDARY: $(UNIT_TESTS:=.o)

$(BUILD)/unit/%.o: tests/unit/%.c Makefile | $(GENERATED_HEADERS)
	mkdir -p $(@D)
	$(call say,CC,$<)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(OPTIMIZE) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: $(BUILD)/unit/%.o $(BUILD)/libdbx.a
	$(call say,LD,$@)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- generated sources ----

$(BUILD)/lexer.c: grammar/lexer.re Makefile
	mkdir -p $(@D)
	$(call say,RE2C,$<)
	re2c -W -Werror -8 --input-encoding utf8 -i -o $@ $<

$(BUILD)/parser.c: grammar/parser.y Makefile
	mkdir -p $(@D)
	$(call say,BISON,$<)
	bison -Wall -Werror -Wno-yacc --no-lines --header=$(BUILD)/parser.h -o $@ $<

$(BUILD)/parser.h: $(BUILD)/parser.c ;

# The lists of operations and built-ins are collected from their definitions; touched only when they change.
list = sed -n 's/^const $(1) $(2)_\([a-zA-Z0-9_]*\) = {.*/$(3)(\1)/p' $(4) > $@.new; \
       if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/op_list.h: FORCE
	mkdir -p $(@D)
	$(call list,Op,op,OP,/dev/null $(wildcard src/grad/*.c src/ops/*.c))

$(BUILD)/builtin_list.h: FORCE
	mkdir -p $(@D)
	$(call list,Builtin,builtin,BUILTIN,/dev/null $(wildcard src/lang/*.c src/lib/*.c))

$(BUILD)/std.c: scripts/embed.awk $(STANDARD_LIBRARY) $(wildcard scripts/std)
	mkdir -p $(@D)
	$(call say,AWK,$@)
	awk -v table=embedded_files -v folder=std -f scripts/embed.awk $(STANDARD_LIBRARY) < /dev/null > $@

$(BUILD)/tour.c: scripts/embed.awk scripts/demos/tour.dbx
	mkdir -p $(@D)
	$(call say,AWK,$@)
	awk -v table=embedded_tour -v folder=demos -f scripts/embed.awk scripts/demos/tour.dbx > $@

# ---- tests, demos, documents ----

# Set-up may install the very tools that the lines above ask, so make starts afresh behind it.
test demo:
	scripts/setup.sh
	$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) run-$@

run-test: all unit-tests
	python3 tests/run.py --dbx ./$(DBX) --build $(BUILD) $(TESTS)

# The tour waits for its reader, if there is one.
run-demo: all
	./$(DBX) --tour
	for demo in $(DEMOS); do echo "---- $$demo"; ./$(DBX) $$demo || exit 1; done

SANITIZED = BUILD=build/asan DBX=build/asan/dbx OPTIMIZE=-O1 OPTIMIZE_KERNELS=-O1 \
            SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

check-asan:
	scripts/setup.sh
	$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) run-test $(SANITIZED)

SEED = 1
SECONDS = 30

fuzz:
	$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) all $(SANITIZED)
	python3 tests/fuzz/fuzz.py build/asan/dbx --seed $(SEED) --seconds $(SECONDS)

bench: all
	python3 tests/bench/run.py ./$(DBX)

docs: all
	mkdir -p docs
	./$(DBX) --reference > docs/reference.md

install: all
	./$(DBX) --manual > $(BUILD)/dbx.1
	./$(DBX) --completion bash > $(BUILD)/dbx.bash
	./$(DBX) --completion zsh > $(BUILD)/dbx.zsh
	printf '%s\n' 'Name: dbx' 'Description: an interpreter for differentiable math, to embed' \
	    "Version: $$(./$(DBX) -V | cut -d ' ' -f 2)" 'Cflags: -I$(PREFIX)/include' \
	    'Libs: -L$(PREFIX)/lib -ldbx $(LDFLAGS) $(LDLIBS)' > $(BUILD)/dbx.pc
	install -D -m 755 $(DBX) $(DESTDIR)$(PREFIX)/bin/dbx
	install -D -m 644 $(BUILD)/dbx.1 $(DESTDIR)$(PREFIX)/share/man/man1/dbx.1
	install -D -m 644 $(BUILD)/dbx.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/dbx
	install -D -m 644 $(BUILD)/dbx.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_dbx
	install -D -m 644 $(BUILD)/libdbx.a $(DESTDIR)$(PREFIX)/lib/libdbx.a
	install -D -m 644 src/dbx.h $(DESTDIR)$(PREFIX)/include/dbx.h
	install -D -m 644 $(BUILD)/dbx.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/dbx.pc

clean:
	rm -rf build dbx
