# SPDX-License-Identifier: BSD-2-Clause
# The checks of configure.ac that take more than a line.

# RT_LIBRARY(PREFIX, PKG-CONFIG MODULE, WHAT, DEBIAN PACKAGE)
AC_DEFUN([RT_LIBRARY], [
PKG_CHECK_MODULES([$1], [$2], [],
	[AC_MSG_ERROR([$3 is needed: install $4])])
])

# RT_HEADER(HEADER, DEBIAN PACKAGE)
AC_DEFUN([RT_HEADER], [
AC_CHECK_HEADER([$1], [], [AC_MSG_ERROR([$1 is needed: install $2])])
])

# RT_DIRECTORY(VARIABLE, WHAT, VARIABLE IN systemd.pc, DEFAULT)
# Below the prefix, unless it is given: `make install` as anybody and
# `make distcheck` must not write into the system's own folders. Packages ask
# with --with-VARIABLE=yes for the place that systemd names.
AC_DEFUN([RT_DIRECTORY], [
AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR],
	[where $2 go; yes: where systemd looks for them, no: nowhere])],
	[], [with_$1=$4])
AS_CASE([$with_$1],
	[yes], [PKG_CHECK_VAR([$1], [systemd], [$3], [],
		[AC_MSG_ERROR([no systemd.pc: name the folder, --with-$1=DIR])])],
	[no], [$1=],
	[$1=$with_$1])
AC_SUBST([$1])
AM_CONDITIONAL(m4_toupper([WITH_$1]), [test -n "$$1"])
])

# RT_PYTHON(MODULES)
# The first python3 that has the modules: a private python3 that stands first
# in PATH often has not.
AC_DEFUN([RT_PYTHON], [
AC_ARG_VAR([PYTHON], [a python3 that has the modules $1, for tests])
AC_MSG_CHECKING([for a python3 with $1])
AS_IF([test -z "$PYTHON"], [
	rt_ifs=$IFS
	IFS=:
	for rt_dir in $PATH /usr/bin; do
		IFS=$rt_ifs
		AS_IF([test -x "$rt_dir/python3" &&
			"$rt_dir/python3" -c 'import $1' >/dev/null 2>&1],
			[PYTHON=$rt_dir/python3; break])
	done
	IFS=$rt_ifs
])
AC_MSG_RESULT([${PYTHON:-no}])
])

# RT_APPEND(VARIABLE, FLAG ...): those that the compiler knows. They are tried
# on a program with a header, as _FORTIFY_SOURCE complains only there.
AC_DEFUN([RT_APPEND], [
AX_APPEND_COMPILE_FLAGS([$2], [$1], [-Werror -Wformat],
	[AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])])
])

AC_DEFUN([RT_WARNINGS], [
RT_APPEND([WARN_CFLAGS], [-Wall -Wextra -Wshadow -Wundef -Wvla -Wcast-qual dnl
-Wpointer-arith -Wwrite-strings -Wconversion -Wsign-conversion dnl
-Wformat=2 -Wimplicit-fallthrough dnl
-Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition dnl
-Wtrampolines -Wbidi-chars=any -Wduplicated-cond -Wlogical-op dnl
-Werror=format-security -Werror=implicit dnl
-Werror=incompatible-pointer-types -Werror=int-conversion])
AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])
])

# The OpenSSF's "Compiler Options Hardening Guide for C and C++", without
# -fexceptions (no threads here) and -Wl,-z,nodlopen (it acts on shared objects
# only). AddressSanitizer wants no _FORTIFY_SOURCE, and no variable initialised
# behind its back. -fzero-call-used-regs is not in it, and costs instructions
# at the end of each small function.
AC_DEFUN([RT_HARDENING], [
AS_IF([test "$enable_sanitizers" = no], [
	AX_CHECK_COMPILE_FLAG([-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3],
		[RT_FORTIFY="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"],
		[], [-Werror],
		[AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])])
	RT_APPEND([HARDEN_CFLAGS], [-ftrivial-auto-var-init=zero])
])
RT_APPEND([HARDEN_CFLAGS], [-fstack-protector-strong dnl
-fstack-clash-protection -fcf-protection=full dnl
-mbranch-protection=standard -fstrict-flex-arrays=3 dnl
-fno-delete-null-pointer-checks -fno-strict-overflow dnl
-fno-strict-aliasing -fPIE])
AX_APPEND_LINK_FLAGS([-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack dnl
-Wl,-z,separate-code -Wl,--as-needed -Wl,--no-copy-dt-needed-entries],
	[HARDEN_LDFLAGS], [-Werror])
HARDEN_CFLAGS="$RT_FORTIFY $HARDEN_CFLAGS"
AC_SUBST([HARDEN_CFLAGS])
AC_SUBST([HARDEN_LDFLAGS])
])

AC_DEFUN([RT_SANITIZERS], [
AS_IF([test "$enable_sanitizers" = yes], [
	rt_sanitize=address,undefined
	AS_IF([test "$enable_fuzzers" = yes],
		[rt_sanitize=$rt_sanitize,fuzzer-no-link])
	AX_CHECK_LINK_FLAG([-fsanitize=$rt_sanitize], [],
		[AC_MSG_ERROR([this compiler has no -fsanitize=$rt_sanitize])])
	SANITIZE_FLAGS="-fsanitize=$rt_sanitize -fno-sanitize-recover=all"
	SANITIZE_FLAGS="$SANITIZE_FLAGS -fno-omit-frame-pointer"
])
FUZZ_FLAGS=
AS_IF([test "$enable_fuzzers" = yes], [FUZZ_FLAGS=-fsanitize=fuzzer])
AC_SUBST([FUZZ_FLAGS])
AC_SUBST([SANITIZE_FLAGS])
])
