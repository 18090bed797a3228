/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Named crash points, for tests (configure --enable-faults). With
 * RINGTALLY_FAULT="name" in the environment the process kills itself, as
 * SIGKILL does, when it comes to the point of that name; with "name:3" when
 * it comes there for the third time. Elsewhere nothing of this is compiled.
 */
#ifndef RT_BASE_FAULT_H
#define RT_BASE_FAULT_H

#include "base/base.h"

#ifdef RT_FAULTS
void fault_hit(const char *name);
#define fault_point(name) fault_hit(name)
#else
#define fault_point(name) ((void)0)
#endif

#endif
