/* SPDX-License-Identifier: Apache-2.0 */
/* The MTA's side of a front, over libmilter. */
#ifndef FRONT_MILTER_H
#define FRONT_MILTER_H

#include "front/front.h"

/*
 * Serve the MTAs that connect to the listening socket; name is the
 * listener's.  scratch is a path that may be used for a socket for a moment.
 * Returns only on failure, with the reason in the log.
 */
void milter_serve(
    struct front *, int listening, const char *name, const char *scratch);

#endif
