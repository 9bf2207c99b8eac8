package core

// #include "glue.h"
// #include <string.h>
import "C"

import (
	"sync"
	"unsafe"
)

// Sizes in bytes.
const (
	IDSize              = C.ACURAST_ID_SIZE
	PublicKeySize       = C.ACURAST_PUBLIC_KEY_SIZE
	UncompressedKeySize = C.ACURAST_UNCOMPRESSED_KEY_SIZE
	SecretSize          = C.ACURAST_SECRET_SIZE
	DigestSize          = C.ACURAST_DIGEST_SIZE
	SignatureSize       = C.ACURAST_SIGNATURE_SIZE
	SealOverhead        = C.ACURAST_SEAL_OVERHEAD
	pemSize             = 512
)

// The kinds of keys.
const (
	P256      = C.ACURAST_KEY_P256
	Ed25519   = C.ACURAST_KEY_ED25519
	Secp256k1 = C.ACURAST_KEY_SECP256K1
)

// Identity is a key pair's handle. Any goroutine may use it, also once it was released: every call then says Closed.
type Identity struct {
	mu     sync.RWMutex // held for writing by Release alone
	handle *C.acurast_identity
}

// GenerateIdentity makes a new key pair. To be released, as is what the functions below make.
func GenerateIdentity(kind int) (*Identity, Status) {
	identity := &Identity{}
	status := Status(C.acurast_identity_generate(C.acurast_key_kind(kind), &identity.handle))
	return identity, status
}

// IdentityFromPEM reads PKCS#8 or SEC1.
func IdentityFromPEM(pem []byte) (*Identity, Status) {
	identity := &Identity{}
	status := Status(C.acurast_identity_from_pem((*C.char)(unsafe.Pointer(&some(pem)[0])), C.size_t(len(pem)), &identity.handle))
	return identity, status
}

// IdentityFromSecret takes 32 bytes.
func IdentityFromSecret(kind int, secret []byte) (*Identity, Status) {
	identity := &Identity{}
	status := C.acurast_identity_from_secret(C.acurast_key_kind(kind), unsafe.Pointer(&some(secret)[0]), C.size_t(len(secret)),
		&identity.handle)
	return identity, Status(status)
}

// Release gives the handle back, once no call is in it; what uses the key pair keeps it.
func (i *Identity) Release() {
	i.mu.Lock()
	defer i.mu.Unlock()
	C.acurast_identity_release(i.handle)
	i.handle = nil
}

func (i *Identity) use(call func(*C.acurast_identity) C.acurast_status) Status {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if i.handle == nil {
		return Closed
	}
	return Status(call(i.handle))
}

// Kind is P256, Ed25519 or Secp256k1.
func (i *Identity) Kind() (kind int, status Status) {
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		kind = int(C.acurast_identity_kind(handle))
		return C.ACURAST_OK
	})
	return kind, status
}

// ID is what others address.
func (i *Identity) ID() (id ID, status Status) {
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_id(handle, bytes(id[:]))
	})
	return id, status
}

// PublicKey is the form that travels.
func (i *Identity) PublicKey() (key [PublicKeySize]byte, status Status) {
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_public_key(handle, bytes(key[:]))
	})
	return key, status
}

// UncompressedKey is the SEC1 form of 65 bytes; not for Ed25519.
func (i *Identity) UncompressedKey() (key [UncompressedKeySize]byte, status Status) {
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_uncompressed_key(handle, bytes(key[:]))
	})
	return key, status
}

// Secret is the raw secret; to be wiped.
func (i *Identity) Secret() (secret [SecretSize]byte, status Status) {
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_secret(handle, bytes(secret[:]))
	})
	return secret, status
}

// PEM is PKCS#8 text; to be wiped.
func (i *Identity) PEM() (pem []byte, status Status) {
	buffer := make([]byte, pemSize)
	size := C.size_t(len(buffer))
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_to_pem(handle, (*C.char)(unsafe.Pointer(&some(buffer)[0])), &size)
	})
	if status != OK {
		return nil, status
	}
	return buffer[:size-1], OK // without the NUL
}

// Sign signs a message.
func (i *Identity) Sign(message []byte) (signature [SignatureSize]byte, status Status) {
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_sign(handle, unsafe.Pointer(&some(message)[0]), C.size_t(len(message)), bytes(signature[:]))
	})
	return signature, status
}

// SignDigest signs a digest as it is.
func (i *Identity) SignDigest(digest *[DigestSize]byte) (signature [SignatureSize]byte, status Status) {
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_sign_digest(handle, bytes(digest[:]), bytes(signature[:]))
	})
	return signature, status
}

// Seal seals for the owner of a public key.
func (i *Identity) Seal(peer, salt, plaintext []byte) (sealed []byte, status Status) {
	sealed = make([]byte, len(plaintext)+SealOverhead)
	size := C.size_t(len(sealed))
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_seal(handle, unsafe.Pointer(&some(peer)[0]), C.size_t(len(peer)),
			unsafe.Pointer(&some(salt)[0]), C.size_t(len(salt)),
			unsafe.Pointer(&some(plaintext)[0]), C.size_t(len(plaintext)), unsafe.Pointer(&some(sealed)[0]), &size)
	})
	return sealed, status
}

// Open opens what the owner of a public key sealed.
func (i *Identity) Open(peer, salt, sealed []byte) (plaintext []byte, status Status) {
	plaintext = make([]byte, max(0, len(sealed)-SealOverhead))
	size := C.size_t(len(plaintext))
	status = i.use(func(handle *C.acurast_identity) C.acurast_status {
		return C.acurast_identity_open(handle, unsafe.Pointer(&some(peer)[0]), C.size_t(len(peer)),
			unsafe.Pointer(&some(salt)[0]), C.size_t(len(salt)),
			unsafe.Pointer(&some(sealed)[0]), C.size_t(len(sealed)), unsafe.Pointer(&some(plaintext)[0]), &size)
	})
	return plaintext, status
}

// Verify checks a signature of Sign, by a key of a kind.
func Verify(kind int, key, message []byte, signature *[SignatureSize]byte) Status {
	return Status(C.acurast_verify_as(C.acurast_key_kind(kind), unsafe.Pointer(&some(key)[0]), C.size_t(len(key)),
		unsafe.Pointer(&some(message)[0]), C.size_t(len(message)), bytes(signature[:])))
}

// VerifyDigest checks a signature of SignDigest.
func VerifyDigest(kind int, key []byte, digest *[DigestSize]byte, signature *[SignatureSize]byte) Status {
	return Status(C.acurast_verify_digest_as(C.acurast_key_kind(kind), unsafe.Pointer(&some(key)[0]), C.size_t(len(key)), bytes(digest[:]),
		bytes(signature[:])))
}

// IDOf takes an id or a public key, as bytes or hex.
func IDOf(recipient []byte) (id ID, status Status) {
	status = Status(C.acurast_id_of(unsafe.Pointer(&some(recipient)[0]), C.size_t(len(recipient)), bytes(id[:])))
	if status != OK {
		return ID{}, status // of bad hex the good beginning is there
	}
	return id, OK
}

// CompressKey takes a public key of a kind, as bytes or hex.
func CompressKey(kind int, key []byte) (compressed [PublicKeySize]byte, status Status) {
	status = Status(C.acurast_compress_key_as(C.acurast_key_kind(kind), unsafe.Pointer(&some(key)[0]), C.size_t(len(key)), bytes(compressed[:])))
	return compressed, status
}

// nothing is where empty slices point: the core takes no NULL for bytes, even if there are none.
var nothing [1]byte

// some is bytes for C to read, never none. It goes into a call as &some(data)[0]: so cgo sees that bytes are meant, and does not
// look for pointers in the whole object that they are a part of.
func some(data []byte) []byte {
	if len(data) == 0 {
		return nothing[:]
	}
	return data
}

func bytes(data []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data))) }
