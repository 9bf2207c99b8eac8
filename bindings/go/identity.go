package acurast

import (
	"bytes"
	"encoding/hex"
	"runtime"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// Sizes in bytes.
const (
	SecretSize    = core.SecretSize
	DigestSize    = core.DigestSize
	SignatureSize = core.SignatureSize
	SealOverhead  = core.SealOverhead // what Seal adds
)

// KeyKind is the kind of a key pair.
type KeyKind int

// The kinds. Services admit P256 and, where they speak the extension, Ed25519; Secp256k1 is for signing and sealing alone.
const (
	P256      KeyKind = core.P256
	Ed25519   KeyKind = core.Ed25519
	Secp256k1 KeyKind = core.Secp256k1
)

// String is the name in lower case.
func (k KeyKind) String() string {
	switch k {
	case P256:
		return "p256"
	case Ed25519:
		return "ed25519"
	case Secp256k1:
		return "secp256k1"
	default:
		return "unknown"
	}
}

// PublicKey is a public key in the form that travels: a compressed point, or the byte ed and an Ed25519 key.
type PublicKey [core.PublicKeySize]byte

// String is 66 hexadecimal digits.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

// MarshalText is String.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText takes 66 hexadecimal digits, with or without 0x. The error is [ErrBadKey] or [ErrBadHex]; whether there is such a key is
// told by what it is used for.
func (k *PublicKey) UnmarshalText(text []byte) error {
	digits := bytes.TrimPrefix(text, []byte("0x"))
	if len(digits) != 2*core.PublicKeySize {
		return errorOf(core.Status(ErrBadKey), "a public key has 66 hexadecimal digits")
	}
	var key PublicKey
	if _, err := hex.Decode(key[:], digits); err != nil {
		return errorOf(core.Status(ErrBadHex), "a public key")
	}
	*k = key
	return nil
}

// ID is the id of a P-256 or Ed25519 key: who a client with it is. The error is [ErrBadKey].
func (k PublicKey) ID() (ID, error) { return IDOf(k[:]) }

// CompressKey makes the form that travels of a public key of 33 or 65 bytes. The error is [ErrBadKey].
func CompressKey(kind KeyKind, key []byte) (PublicKey, error) {
	if err := checkKey(key); err != nil {
		return PublicKey{}, err
	}
	compressed, status := core.CompressKey(int(kind), key)
	return compressed, errorOf(status, "")
}

// checkKey refuses what the core would take for hex.
func checkKey(key []byte) error {
	if len(key) != core.PublicKeySize && len(key) != core.UncompressedKeySize {
		return errorOf(core.Status(ErrBadKey), "a public key has 33 or 65 bytes")
	}
	return nil
}

// Identity is a key pair. Its secret lives in guarded memory of the core. Any goroutine may use it. Close gives the memory back at
// once; the garbage collector does it later.
type Identity struct{ handle *core.Identity }

func newIdentity(handle *core.Identity, status core.Status) (*Identity, error) {
	if status != core.OK {
		return nil, errorOf(status, "")
	}
	runtime.SetFinalizer(handle, (*core.Identity).Release) // the handle's, which a call holds until it is over
	return &Identity{handle}, nil
}

// NewIdentity makes a random key pair. The error is [ErrInvalid] (kind), [ErrNoMemory] or [ErrSystem].
func NewIdentity(kind KeyKind) (*Identity, error) {
	return newIdentity(core.GenerateIdentity(int(kind)))
}

// ParsePEM reads a key pair from PKCS#8 or SEC1 text of at most 64 KiB, not encrypted. The error is [ErrBadKey], or [ErrInvalid]
// for a longer text.
func ParsePEM(pem []byte) (*Identity, error) {
	return newIdentity(core.IdentityFromPEM(pem))
}

// IdentityFromSecret takes a secret of 32 bytes: a big-endian scalar, or the seed of an Ed25519 key. The error is [ErrBadKey].
func IdentityFromSecret(kind KeyKind, secret []byte) (*Identity, error) {
	if len(secret) != SecretSize {
		return nil, errorOf(core.Status(ErrBadKey), "a secret has 32 bytes")
	}
	return newIdentity(core.IdentityFromSecret(int(kind), secret))
}

// Close wipes the secret, once nothing uses the key pair; clients made with it go on. Other methods fail with [ErrClosed] afterwards, or
// answer with zeros. It returns nil.
func (i *Identity) Close() error {
	i.handle.Release()
	return nil
}

// Kind is the kind of the key pair.
func (i *Identity) Kind() KeyKind {
	kind, _ := i.handle.Kind()
	return KeyKind(kind)
}

// ID is the id that a client with this key pair has.
func (i *Identity) ID() ID {
	id, _ := i.handle.ID()
	return ID(id)
}

// PublicKey is the public key.
func (i *Identity) PublicKey() PublicKey {
	key, _ := i.handle.PublicKey()
	return key
}

// UncompressedKey is the SEC1 form of 65 bytes. The error is [ErrUnsupported] for Ed25519.
func (i *Identity) UncompressedKey() ([]byte, error) {
	key, status := i.handle.UncompressedKey()
	return key[:], errorOf(status, "")
}

// Secret is the raw secret. Wipe it after use.
func (i *Identity) Secret() ([]byte, error) {
	secret, status := i.handle.Secret()
	return secret[:], errorOf(status, "")
}

// PEM is the key pair as PKCS#8 text. Wipe it after use.
func (i *Identity) PEM() ([]byte, error) {
	pem, status := i.handle.PEM()
	return pem, errorOf(status, "")
}

// Sign signs a message: ECDSA over its SHA-256, r and s of 32 bytes each, or plain Ed25519. On secp256k1 s is always low.
func (i *Identity) Sign(message []byte) ([]byte, error) {
	signature, status := i.handle.Sign(message)
	return signature[:], errorOf(status, "")
}

// SignDigest signs a digest of 32 bytes as it is. The error is [ErrUnsupported] for Ed25519.
func (i *Identity) SignDigest(digest [DigestSize]byte) ([]byte, error) {
	signature, status := i.handle.SignDigest(&digest)
	return signature[:], errorOf(status, "")
}

// Verify checks a signature of [Identity.Sign] by a public key of a kind, in 33 or 65 bytes. The error is [ErrBadSignature] or [ErrBadKey].
func Verify(kind KeyKind, key, message, signature []byte) error {
	return verify(key, signature, func(signature *[SignatureSize]byte) core.Status {
		return core.Verify(int(kind), key, message, signature)
	})
}

// VerifyDigest is the same for [Identity.SignDigest].
func VerifyDigest(kind KeyKind, key []byte, digest [DigestSize]byte, signature []byte) error {
	return verify(key, signature, func(signature *[SignatureSize]byte) core.Status {
		return core.VerifyDigest(int(kind), key, &digest, signature)
	})
}

func verify(key, signature []byte, check func(*[SignatureSize]byte) core.Status) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if len(signature) != SignatureSize {
		return errorOf(core.Status(ErrBadSignature), "a signature has 64 bytes")
	}
	return errorOf(check((*[SignatureSize]byte)(signature)), "")
}

// Seal encrypts for the owner of a public key of the same kind, in 33 or 65 bytes: AES-256-GCM under a key that follows from the two key
// pairs and the salt, which is no secret and has at most 64 KiB. Both sides can open it. The error is [ErrBadKey], [ErrTooLarge],
// [ErrInvalid] (a longer salt) or [ErrUnsupported] (Ed25519).
func (i *Identity) Seal(peer, salt, plaintext []byte) ([]byte, error) {
	if err := checkKey(peer); err != nil {
		return nil, err
	}
	sealed, status := i.handle.Seal(peer, salt, plaintext)
	if status != core.OK {
		return nil, errorOf(status, "")
	}
	return sealed, nil
}

// Open decrypts what the owner of a public key sealed for this identity, or this identity for him: the key in the form that went
// into the seal, and the same salt. The error is [ErrBadSeal] where it does not open.
func (i *Identity) Open(peer, salt, sealed []byte) ([]byte, error) {
	if err := checkKey(peer); err != nil {
		return nil, err
	}
	plaintext, status := i.handle.Open(peer, salt, sealed)
	if status != core.OK {
		return nil, errorOf(status, "")
	}
	return plaintext, nil
}
