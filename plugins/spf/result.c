/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

const char *
result_name(enum result result)
{
	static const char *const names[RESULTS] = {
		[RESULT_NONE] = "none",
		[RESULT_NEUTRAL] = "neutral",
		[RESULT_PASS] = "pass",
		[RESULT_FAIL] = "fail",
		[RESULT_SOFTFAIL] = "softfail",
		[RESULT_TEMPERROR] = "temperror",
		[RESULT_PERMERROR] = "permerror",
	};

	return names[result];
}

const char *
identity_name(enum identity identity)
{
	return identity == IDENTITY_HELO ? "helo" : "mailfrom";
}
