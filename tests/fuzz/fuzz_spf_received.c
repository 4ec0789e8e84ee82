/* SPDX-License-Identifier: Apache-2.0 */
/* Input: the value of a field Received. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/spf/address.c"
#include "../../plugins/spf/received.c"
#include "../../plugins/spf/text.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	struct received r;

	memcpy(copy, data, size);
	if (received_parse((struct span){ copy, size }, &r)) {
		if (r.client.bits != 32 && r.client.bits != 128)
			abort();
		if (r.helo.n > 0 &&
		    (r.helo.p < copy || r.helo.p + r.helo.n > copy + size))
			abort();
	}
	free(copy);
	return 0;
}
