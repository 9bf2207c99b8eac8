/* A key is random so that no cache takes the answer to another one for its own. */
#include "net/upgrade.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#define KEY_BYTES 16
#define PROOF_BYTES 20

static EVP_MD *sha1; /* for the life of the process */
static pthread_once_t sha1_once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

bool acurast__upgrade_prepare(void)
{
    pthread_once(&sha1_once, fetch);
    return sha1 != NULL;
}

void acurast__upgrade_key(char key[ACURAST__UPGRADE_KEY_SIZE])
{
    unsigned char bytes[KEY_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    EVP_EncodeBlock((unsigned char *)key, bytes, sizeof bytes);
}

bool acurast__upgrade_proof(const char *key, char proof[ACURAST__UPGRADE_PROOF_SIZE])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char joined[ACURAST__UPGRADE_KEY_SIZE - 1 + sizeof guid - 1], digest[PROOF_BYTES];
    memcpy(joined, key, ACURAST__UPGRADE_KEY_SIZE - 1);
    memcpy(joined + ACURAST__UPGRADE_KEY_SIZE - 1, guid, sizeof guid - 1);
    proof[0] = 0;
    if (EVP_Digest(joined, sizeof joined, digest, NULL, sha1, NULL) != 1)
        return false;
    EVP_EncodeBlock((unsigned char *)proof, digest, sizeof digest);
    return true;
}
