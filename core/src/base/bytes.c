/* Hexadecimal, by libsodium, whose conversions do not branch on the digits' values. */
#include "base/bytes.h"

#include <sodium.h>

void acurast__hex(char *text, const uint8_t *bytes, size_t size)
{
    sodium_bin2hex(text, 2 * size + 1, bytes, size);
}

acurast_status acurast__unhex(uint8_t *bytes, size_t size, const char *text, size_t digits)
{
    if (digits >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        digits -= 2;
    }
    size_t read = 0;
    if (digits / 2 != size || digits % 2 != 0)
        return ACURAST_BAD_HEX;
    if (sodium_hex2bin(bytes, size, text, digits, NULL, &read, NULL) != 0 || read != size)
        return ACURAST_BAD_HEX;
    return ACURAST_OK;
}
