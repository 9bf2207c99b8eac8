/*
 * The extension block. A stranger's map is scanned byte by byte before msgpack-c sees
 * it: whoever passes is one flat map of at most 32 entries that ends where the
 * block ends, so that what msgpack-c allocates is bounded by a few KiB.
 *
 * Malformed is also: a key twice (which one would count?), a known key with a value of
 * another type, bytes after the map, more than 1 KiB.
 */
#include "wire/extension.h"

#include "base/text.h"

#include <msgpack.h>
#include <string.h>

#define MAGIC_SIZE 4

static const uint8_t magic[MAGIC_SIZE] = {'A', 'C', 'X', '1'};

typedef struct cursor {
    const uint8_t *at;
    size_t left;
} cursor;

static bool take(cursor *c, size_t size)
{
    if (size > c->left)
        return false;
    c->at += size;
    c->left -= size;
    return true;
}

/* A big-endian number of 1, 2 or 4 bytes. */
static bool take_number(cursor *c, size_t bytes, size_t *number)
{
    const uint8_t *from = c->at;
    if (!take(c, bytes))
        return false;
    *number = 0;
    while (bytes--)
        *number = *number << 8 | *from++;
    return true;
}

/* Text whose tag was taken: the tag holds a short length, or says how long the length is. */
static bool scan_text(cursor *c, uint8_t tag)
{
    size_t length = tag & 31;
    if (tag >= 0xd9 && tag <= 0xdb) {
        if (!take_number(c, (size_t)1 << (tag - 0xd9), &length))
            return false;
    } else if (tag < 0xa0 || tag > 0xbf) {
        return false;
    }
    return take(c, length);
}

static bool scan_value(cursor *c, uint8_t tag)
{
    size_t length;
    if (tag <= 0x7f || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3) /* small integers, nil, booleans */
        return true;
    if (tag >= 0xc4 && tag <= 0xc6) /* bytes */
        return take_number(c, (size_t)1 << (tag - 0xc4), &length) && take(c, length);
    if (tag >= 0xcc && tag <= 0xd3) /* integers of 1, 2, 4 or 8 bytes, unsigned and signed */
        return take(c, (size_t)1 << ((tag - 0xcc) & 3));
    return scan_text(c, tag);
}

static bool scan_entry(cursor *c)
{
    size_t tag;
    if (!take_number(c, 1, &tag) || !scan_text(c, (uint8_t)tag))
        return false;
    return take_number(c, 1, &tag) && scan_value(c, (uint8_t)tag);
}

static bool scan(cursor c)
{
    size_t tag, entries;
    if (!take_number(&c, 1, &tag))
        return false;
    entries = tag & 15;
    if (tag == 0xde || tag == 0xdf) {
        if (!take_number(&c, tag == 0xde ? 2 : 4, &entries))
            return false;
    } else if ((tag & 0xf0) != 0x80) {
        return false;
    }
    if (entries > ACURAST__EXTENSION_MAX_ENTRIES)
        return false;
    while (entries--)
        if (!scan_entry(&c))
            return false;
    return c.left == 0;
}

static bool key_is(const msgpack_object *key, const char *name)
{
    return key->via.str.size == strlen(name) && memcmp(key->via.str.ptr, name, key->via.str.size) == 0;
}

/* An empty text has no pointer. */
static bool same_key(const msgpack_object *a, const msgpack_object *b)
{
    size_t size = a->via.str.size;
    return size == b->via.str.size && (size == 0 || memcmp(a->via.str.ptr, b->via.str.ptr, size) == 0);
}

static bool read_boolean(bool *to, const msgpack_object *value)
{
    *to = value->type == MSGPACK_OBJECT_BOOLEAN && value->via.boolean;
    return value->type == MSGPACK_OBJECT_BOOLEAN;
}

static bool read_integer(uint64_t *to, const msgpack_object *value)
{
    *to = value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? value->via.u64 : 0;
    return value->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
}

/* False where a known key has a value of another type. */
static bool read_entry(acurast__extension *extension, const msgpack_object_kv *entry)
{
    const msgpack_object *value = &entry->val;
    if (key_is(&entry->key, "ed25519"))
        return read_boolean(&extension->ed25519, value);
    if (key_is(&entry->key, "presence"))
        return read_boolean(&extension->presence, value);
    if (key_is(&entry->key, "track"))
        return read_integer(&extension->track, value);
    if (key_is(&entry->key, "max_frame"))
        return read_integer(&extension->max_frame, value);
    if (key_is(&entry->key, "agent")) {
        if (value->type != MSGPACK_OBJECT_STR)
            return false;
        acurast__copy_printable(extension->agent, sizeof extension->agent, value->via.str.ptr, value->via.str.size);
    }
    return true;
}

static bool read_map(acurast__extension *extension, const msgpack_object_map *map)
{
    for (uint32_t i = 0; i < map->size; i++) {
        for (uint32_t j = 0; j < i; j++)
            if (same_key(&map->ptr[i].key, &map->ptr[j].key))
                return false;
        if (!read_entry(extension, &map->ptr[i]))
            return false;
    }
    return true;
}

static bool unpack(acurast__extension *extension, const uint8_t *bytes, size_t size)
{
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    bool ok = msgpack_unpack_next(&unpacked, (const char *)bytes, size, NULL) == MSGPACK_UNPACK_SUCCESS &&
              unpacked.data.type == MSGPACK_OBJECT_MAP && read_map(extension, &unpacked.data.via.map);
    msgpack_unpacked_destroy(&unpacked);
    return ok;
}

acurast__extension_result acurast__extension_decode(acurast__extension *extension, const uint8_t *bytes, size_t size)
{
    memset(extension, 0, sizeof *extension);
    if (size < MAGIC_SIZE || memcmp(bytes, magic, MAGIC_SIZE) != 0)
        return ACURAST__EXTENSION_NONE;
    cursor map = {bytes + MAGIC_SIZE, size - MAGIC_SIZE};
    if (size <= ACURAST__EXTENSION_MAX_SIZE && scan(map) && unpack(extension, map.at, map.left))
        return ACURAST__EXTENSION_PRESENT;
    memset(extension, 0, sizeof *extension);
    return ACURAST__EXTENSION_MALFORMED;
}

typedef struct output {
    uint8_t *at;
    size_t left;
} output;

static int put(void *data, const char *bytes, size_t size)
{
    output *out = data;
    if (size > out->left)
        return -1;
    memcpy(out->at, bytes, size);
    out->at += size;
    out->left -= size;
    return 0;
}

static bool put_text(msgpack_packer *packer, const char *text)
{
    return msgpack_pack_str_with_body(packer, text, strlen(text)) == 0;
}

/* What is not so, or 0, is not written. */
static bool put_true(msgpack_packer *packer, const char *key, bool value)
{
    return !value || (put_text(packer, key) && msgpack_pack_true(packer) == 0);
}

static bool put_integer(msgpack_packer *packer, const char *key, uint64_t value)
{
    return !value || (put_text(packer, key) && msgpack_pack_uint64(packer, value) == 0);
}

static bool put_map(msgpack_packer *packer, const acurast__extension *extension)
{
    bool agent = extension->agent[0] != '\0';
    size_t entries = (size_t)agent + extension->ed25519 + (extension->max_frame != 0) + extension->presence +
                     (extension->track != 0);
    if (msgpack_pack_map(packer, entries) != 0)
        return false;
    if (agent && !(put_text(packer, "agent") && put_text(packer, extension->agent)))
        return false;
    return put_true(packer, "ed25519", extension->ed25519) && put_integer(packer, "max_frame", extension->max_frame) &&
           put_true(packer, "presence", extension->presence) && put_integer(packer, "track", extension->track);
}

size_t acurast__extension_encode(uint8_t *bytes, size_t capacity, const acurast__extension *extension)
{
    output out;
    msgpack_packer packer;
    out.at = bytes;
    out.left = capacity;
    msgpack_packer_init(&packer, &out, put);
    if (put(&out, (const char *)magic, MAGIC_SIZE) != 0 || !put_map(&packer, extension))
        return 0;
    return capacity - out.left;
}
