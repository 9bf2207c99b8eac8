/*
 * When two results are equal. For JSON: equal once what does not matter is taken away, which is much as RFC 8785 has it:
 *
 *   - blanks between tokens do not matter, nor how a character is escaped, nor the order of an object's members;
 *   - numbers are equal where their exact decimal values are: 1, 1.0, 10e-1; 0 and -0. Unlike RFC 8785 they are not made doubles
 *     first: 9007199254740993 and 9007199254740992 differ. An exponent of more than nine digits is compared as it is written;
 *   - a key that stands twice in an object stays twice, in its order, since readers differ in which they take;
 *   - an array's order matters; texts are compared as they are, without Unicode normalisation.
 *
 * For MessagePack: equal bytes. Who wants agreement makes one program's encoder answer.
 */
#ifndef ACURAST_RPC_CANONICAL_H
#define ACURAST_RPC_CANONICAL_H

#include "rpc/message.h"

/*
 * Writes a form of `raw` that is the same for all that are equal. INVALID for what is not JSON, NO_MEMORY; then `to` is in no defined
 * state. The form is at most six times as long as what it is made of.
 */
acurast_status acurast__canonical(acurast__buffer *to, acurast__rpc_encoding encoding, acurast__raw raw);

#endif
