/* SPDX-License-Identifier: Apache-2.0 */
/* libspf2 at work; engine.c is the only file that includes its headers. */
#ifndef SPF_ENGINE_H
#define SPF_ENGINE_H

#include "eval.h"

/*
 * The result of the record number 0 of an evaluation: what libspf2 makes of
 * it, unless the evaluation was stopped.  *matched: by a term that matched,
 * which .at then tells.
 */
enum result engine_run(struct eval *, bool *matched);

#endif
