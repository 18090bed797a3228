-- SPDX-License-Identifier: BSD-2-Clause
-- Of a recursive query the planner expects far more rows than there are, and
-- has it compiled: a second, in front of every look at agent_interval.
ALTER FUNCTION ringtally.span_intervals() SET jit = off;
