/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is edited, the MTA delivers what the instances were shown. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../lib/editmodel.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *fault = editmodel_script(data, n);

	if (fault != NULL) {
		fprintf(stderr, "%s\n", fault);
		abort();
	}
	return 0;
}
