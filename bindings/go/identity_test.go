package acurast_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

var kinds = []acurast.KeyKind{acurast.P256, acurast.Ed25519, acurast.Secp256k1}

// eachKind runs a test with a new identity of each kind.
func eachKind(t *testing.T, test func(t *testing.T, identity *acurast.Identity)) {
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			leakless(t)
			test(t, newIdentity(t, kind))
		})
	}
}

// known reads a file of known answers.
func known(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "tests", "vectors", name))
	if os.IsNotExist(err) {
		t.Skipf("no known answers, as this is no checkout: %v", err)
	}
	check(t, err)
	check(t, json.Unmarshal(text, into))
}

// hexBytes is hex in JSON.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

func fromSecret(t *testing.T, kind acurast.KeyKind, secret []byte) *acurast.Identity {
	t.Helper()
	identity, err := acurast.IdentityFromSecret(kind, secret)
	check(t, err)
	t.Cleanup(func() { identity.Close() })
	return identity
}

func parsePEM(t *testing.T, text []byte) *acurast.Identity {
	t.Helper()
	identity, err := acurast.ParsePEM(text)
	check(t, err)
	t.Cleanup(func() { identity.Close() })
	return identity
}

func TestIdentityGoesOutAndComesIn(t *testing.T) {
	eachKind(t, func(t *testing.T, identity *acurast.Identity) {
		secret, err := identity.Secret()
		check(t, err)
		text, err := identity.PEM()
		check(t, err)
		for _, copied := range []*acurast.Identity{fromSecret(t, identity.Kind(), secret), parsePEM(t, text)} {
			if copied.Kind() != identity.Kind() || copied.PublicKey() != identity.PublicKey() || copied.ID() != identity.ID() {
				t.Fatalf("%v %v is not %v %v", copied.Kind(), copied.PublicKey(), identity.Kind(), identity.PublicKey())
			}
		}
		if other := newIdentity(t, identity.Kind()); other.ID() == identity.ID() {
			t.Fatal("twice the same key pair")
		}
	})
}

func TestPublicKeyInJSON(t *testing.T) {
	key := newIdentity(t, acurast.P256).PublicKey()
	text, err := json.Marshal(key)
	check(t, err)
	if string(text) != `"`+key.String()+`"` {
		t.Fatal(string(text))
	}
	for _, each := range []string{string(text), `"0x` + strings.ToUpper(key.String()) + `"`} {
		var back acurast.PublicKey
		if err := json.Unmarshal([]byte(each), &back); err != nil || back != key {
			t.Errorf("%s: %v, %v", each, back, err)
		}
	}
	kept := key
	wants(t, json.Unmarshal([]byte(`"02"`), &kept), acurast.ErrBadKey)
	wants(t, json.Unmarshal([]byte(`"`+strings.Repeat("x", 66)+`"`), &kept), acurast.ErrBadHex)
	if kept != key {
		t.Fatal("a bad text changed a key")
	}
}

func TestIDIsOfThePublicKey(t *testing.T) {
	eachKind(t, func(t *testing.T, identity *acurast.Identity) {
		key := identity.PublicKey()
		digest := sha256.Sum256(key[:])
		if !bytes.Equal(digest[:16], sliceOf(identity.ID())) {
			t.Fatal(identity.ID())
		}
		if identity.Kind() == acurast.Secp256k1 {
			return // nobody is addressed by one
		}
		if id, err := key.ID(); err != nil || id != identity.ID() {
			t.Fatal(id, err)
		}
	})
}

func sliceOf(id acurast.ID) []byte { return id[:] }

func TestKnownHandshake(t *testing.T) {
	leakless(t)
	var answers struct {
		Handshake []struct {
			SecretKey hexBytes `json:"secret_key"`
			PublicKey hexBytes `json:"public_key"`
			ID        acurast.ID
			Challenge hexBytes
			Nonce     hexBytes
			Signature hexBytes
		}
	}
	known(t, "v1.json", &answers)
	for _, one := range answers.Handshake {
		identity := fromSecret(t, acurast.P256, one.SecretKey)
		if key := identity.PublicKey(); identity.ID() != one.ID || !bytes.Equal(key[:], one.PublicKey) {
			t.Fatalf("%v %v is not %v %x", identity.ID(), key, one.ID, one.PublicKey)
		}
		digest := sha256.Sum256(append(append(one.Challenge, one.PublicKey...), one.Nonce...))
		check(t, acurast.VerifyDigest(acurast.P256, one.PublicKey, digest, one.Signature))
	}
	if len(answers.Handshake) == 0 {
		t.Fatal("no known answers")
	}
}

func TestKnownSignaturesAndKeys(t *testing.T) {
	leakless(t)
	var answers struct {
		Verify []struct {
			Digest    hexBytes
			Signature hexBytes
			PublicKey hexBytes `json:"public_key"`
			Valid     bool
		}
		Compress []struct {
			PublicKey  hexBytes `json:"public_key"`
			Compressed string
		}
	}
	known(t, "v1.json", &answers)
	for _, one := range answers.Verify {
		err := acurast.VerifyDigest(acurast.P256, one.PublicKey, [32]byte(one.Digest), one.Signature)
		if one.Valid {
			check(t, err)
		} else {
			wants(t, err, acurast.ErrBadSignature)
		}
	}
	for _, one := range answers.Compress {
		key, err := acurast.CompressKey(acurast.P256, one.PublicKey)
		check(t, err)
		if key.String() != one.Compressed {
			t.Fatalf("%v is not %s", key, one.Compressed)
		}
	}
	if len(answers.Verify) == 0 || len(answers.Compress) == 0 {
		t.Fatal("no known answers")
	}
}

// ---- signatures ----

func TestSignAndVerify(t *testing.T) {
	message := []byte("a message")
	eachKind(t, func(t *testing.T, identity *acurast.Identity) {
		key := identity.PublicKey()
		for _, each := range [][]byte{message, nil} {
			signature, err := identity.Sign(each)
			check(t, err)
			check(t, acurast.Verify(identity.Kind(), key[:], each, signature))
			wants(t, acurast.Verify(identity.Kind(), key[:], []byte("another"), signature), acurast.ErrBadSignature)
			signature[0] ^= 1
			wants(t, acurast.Verify(identity.Kind(), key[:], each, signature), acurast.ErrBadSignature)
		}
		digest := sha256.Sum256(message)
		signature, err := identity.SignDigest(digest)
		if identity.Kind() == acurast.Ed25519 {
			wants(t, err, acurast.ErrUnsupported)
			_, err = identity.UncompressedKey()
			wants(t, err, acurast.ErrUnsupported)
			return
		}
		check(t, err)
		check(t, acurast.VerifyDigest(identity.Kind(), key[:], digest, signature))
		check(t, acurast.Verify(identity.Kind(), key[:], message, signature))
		long, err := identity.UncompressedKey()
		check(t, err)
		check(t, acurast.VerifyDigest(identity.Kind(), long, digest, signature))
		if short, err := acurast.CompressKey(identity.Kind(), long); err != nil || short != key {
			t.Fatal(short, err)
		}
	})
}

// goKey is an identity as Go's own packages see it.
func goKey(t *testing.T, identity *acurast.Identity) any {
	t.Helper()
	text, err := identity.PEM()
	check(t, err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	check(t, err)
	return key
}

func TestECDSAOfGo(t *testing.T) {
	leakless(t)
	identity := newIdentity(t, acurast.P256)
	key, digest := goKey(t, identity).(*ecdsa.PrivateKey), sha256.Sum256([]byte("a message"))
	ours, err := identity.Sign([]byte("a message"))
	check(t, err)
	r, s := new(big.Int).SetBytes(ours[:32]), new(big.Int).SetBytes(ours[32:])
	if !ecdsa.Verify(&key.PublicKey, digest[:], r, s) {
		t.Fatal("Go does not take our signature")
	}
	r, s, err = ecdsa.Sign(rand.Reader, key, digest[:])
	check(t, err)
	theirs := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	public := identity.PublicKey()
	check(t, acurast.Verify(acurast.P256, public[:], []byte("a message"), theirs))

	sec1, err := x509.MarshalECPrivateKey(key)
	check(t, err)
	if same := parsePEM(t, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})); same.ID() != identity.ID() {
		t.Fatal("another key pair by SEC1")
	}
}

func TestEd25519OfGo(t *testing.T) {
	leakless(t)
	identity, message := newIdentity(t, acurast.Ed25519), []byte("a message")
	key, public := goKey(t, identity).(ed25519.PrivateKey), identity.PublicKey()
	ours, err := identity.Sign(message)
	check(t, err)
	if public[0] != 0xed || !ed25519.Verify(public[1:], message, ours) {
		t.Fatal("Go does not take our signature")
	}
	check(t, acurast.Verify(acurast.Ed25519, public[:], message, ed25519.Sign(key, message)))
}

func TestTheKindOfAKeyCounts(t *testing.T) {
	leakless(t)
	message := []byte("a message")
	ed := newIdentity(t, acurast.Ed25519)
	signature, err := ed.Sign(message)
	check(t, err)
	key := ed.PublicKey()
	wants(t, acurast.Verify(acurast.P256, key[:], message, signature), acurast.ErrBadKey)
	k1 := newIdentity(t, acurast.Secp256k1)
	long, err := k1.UncompressedKey()
	check(t, err)
	wants(t, acurast.Verify(acurast.P256, long, message, signature), acurast.ErrBadKey)
}

// ---- seals ----

var curves = map[string]acurast.KeyKind{"secp256r1": acurast.P256, "secp256k1": acurast.Secp256k1}

func TestKnownSeals(t *testing.T) {
	leakless(t)
	var answers struct {
		Seal []struct {
			Name         string
			Curve        string
			OpenerSecret hexBytes `json:"opener_secret"`
			SealerKey    hexBytes `json:"sealer_key"`
			Salt         hexBytes
			Plaintext    hexBytes
			Sealed       hexBytes
		}
	}
	known(t, "seal.json", &answers)
	if len(answers.Seal) != 32 {
		t.Fatalf("%d known answers", len(answers.Seal))
	}
	for _, one := range answers.Seal {
		plaintext, err := fromSecret(t, curves[one.Curve], one.OpenerSecret).Open(one.SealerKey, one.Salt, one.Sealed)
		check(t, err)
		if !bytes.Equal(plaintext, one.Plaintext) {
			t.Errorf("%s, %s: %x is not %x", one.Curve, one.Name, plaintext, one.Plaintext)
		}
	}
}

func TestSealAndOpen(t *testing.T) {
	for _, kind := range curves {
		t.Run(kind.String(), func(t *testing.T) {
			leakless(t)
			one, two, other := newIdentity(t, kind), newIdentity(t, kind), newIdentity(t, kind)
			keyOne, keyTwo, salt := one.PublicKey(), two.PublicKey(), []byte("salt")
			for _, size := range []int{0, 1, 1 << 20} {
				plaintext := bytes.Repeat([]byte{7}, size)
				sealed, err := one.Seal(keyTwo[:], salt, plaintext)
				check(t, err)
				if len(sealed) != size+acurast.SealOverhead {
					t.Fatalf("%d bytes", len(sealed))
				}
				opens(t, two, keyOne, salt, sealed, plaintext)
				opens(t, one, keyTwo, salt, sealed, plaintext)
				for name, fail := range map[string]func() ([]byte, error){
					"somebody else": func() ([]byte, error) { return other.Open(keyOne[:], salt, sealed) },
					"another salt":  func() ([]byte, error) { return two.Open(keyOne[:], nil, sealed) },
					"a byte less":   func() ([]byte, error) { return two.Open(keyOne[:], salt, sealed[1:]) },
					"nothing":       func() ([]byte, error) { return two.Open(keyOne[:], salt, nil) },
				} {
					plaintext, err := fail()
					if plaintext != nil {
						t.Fatalf("%s: there is a plaintext", name)
					}
					wants(t, err, acurast.ErrBadSeal)
				}
				sealed[len(sealed)-1] ^= 1
				_, err = two.Open(keyOne[:], salt, sealed)
				wants(t, err, acurast.ErrBadSeal)
			}
			_, err := one.Seal(keyTwo[:], make([]byte, 64<<10+1), nil)
			wants(t, err, acurast.ErrInvalid)
		})
	}
}

func opens(t *testing.T, opener *acurast.Identity, peer acurast.PublicKey, salt, sealed, want []byte) {
	t.Helper()
	plaintext, err := opener.Open(peer[:], salt, sealed)
	check(t, err)
	if !bytes.Equal(plaintext, want) {
		t.Fatalf("%d bytes, not the %d that were sealed", len(plaintext), len(want))
	}
}

func TestEd25519DoesNotSeal(t *testing.T) {
	leakless(t)
	identity := newIdentity(t, acurast.Ed25519)
	key := identity.PublicKey()
	_, err := identity.Seal(key[:], nil, nil)
	wants(t, err, acurast.ErrUnsupported)
}

// ---- what is wrong ----

func TestWrongSizesAndBytes(t *testing.T) {
	leakless(t)
	identity := newIdentity(t, acurast.P256)
	key := identity.PublicKey()
	signature := make([]byte, acurast.SignatureSize)
	offCurve := bytes.Repeat([]byte{0xff}, 33)
	offCurve[0] = 2
	hexKey := []byte(key.String())
	of := func(_ any, err error) error { return err }
	for name, each := range map[string]struct{ got, want error }{
		"no kind":                {of(acurast.NewIdentity(acurast.KeyKind(99))), acurast.ErrInvalid},
		"a short secret":         {of(acurast.IdentityFromSecret(acurast.P256, make([]byte, 31))), acurast.ErrBadKey},
		"a secret in hex":        {of(acurast.IdentityFromSecret(acurast.P256, []byte(strings.Repeat("11", 32)))), acurast.ErrBadKey},
		"a secret of 0":          {of(acurast.IdentityFromSecret(acurast.P256, make([]byte, 32))), acurast.ErrBadKey},
		"a secret too large":     {of(acurast.IdentityFromSecret(acurast.Secp256k1, bytes.Repeat([]byte{0xff}, 32))), acurast.ErrBadKey},
		"no PEM":                 {of(acurast.ParsePEM([]byte("no PEM"))), acurast.ErrBadKey},
		"nothing":                {of(acurast.ParsePEM(nil)), acurast.ErrBadKey},
		"a large PEM":            {of(acurast.ParsePEM(make([]byte, 64<<10+1))), acurast.ErrInvalid},
		"a key off the curve":    {of(acurast.CompressKey(acurast.P256, offCurve)), acurast.ErrBadKey},
		"a key in hex":           {of(acurast.CompressKey(acurast.P256, hexKey)), acurast.ErrBadKey},
		"to a key in hex":        {of(identity.Seal(hexKey, nil, nil)), acurast.ErrBadKey},
		"from a key in hex":      {of(identity.Open(hexKey, nil, make([]byte, 99))), acurast.ErrBadKey},
		"to an id":               {of(identity.Seal(key[:16], nil, nil)), acurast.ErrBadKey},
		"verify by a hex key":    {acurast.Verify(acurast.P256, hexKey, nil, signature), acurast.ErrBadKey},
		"verify by no key":       {acurast.VerifyDigest(acurast.P256, nil, [32]byte{}, signature), acurast.ErrBadKey},
		"a short signature":      {acurast.Verify(acurast.P256, key[:], nil, signature[1:]), acurast.ErrBadSignature},
		"a signature of zeros":   {acurast.Verify(acurast.P256, key[:], nil, signature), acurast.ErrBadSignature},
		"an id of 15 bytes":      {of(acurast.IDOf(make([]byte, 15))), acurast.ErrBadRecipient},
		"nobody":                 {of(acurast.IDOf(nil)), acurast.ErrBadRecipient},
		"hex as bytes":           {of(acurast.IDOf([]byte(strings.Repeat("11", 16)))), acurast.ErrBadRecipient},
		"0x and hex as bytes":    {of(acurast.IDOf([]byte("0x" + strings.Repeat("11", 16)))), acurast.ErrBadRecipient},
		"the id of such a key":   {of(acurast.IDOf(offCurve)), acurast.ErrBadKey},
		"an empty text":          {of(acurast.ParseID("")), acurast.ErrBadRecipient},
		"a short text":           {of(acurast.ParseID("1111")), acurast.ErrBadRecipient},
		"an odd text":            {of(acurast.ParseID("0x" + strings.Repeat("1", 31))), acurast.ErrBadRecipient},
		"a foreign character":    {of(acurast.ParseID(strings.Repeat("1g", 16))), acurast.ErrBadHex},
		"33 digits":              {of(acurast.ParseID(strings.Repeat("1", 33))), acurast.ErrBadRecipient},
		"a key's bytes as text":  {of(acurast.ParseID(string(key[:]))), acurast.ErrBadRecipient},
		"an id's bytes as text":  {of(acurast.ParseID(string(key[:16]))), acurast.ErrBadRecipient},
		"such a key's hex":       {of(acurast.ParseID(hex.EncodeToString(offCurve))), acurast.ErrBadKey},
		"a public key's zero ID": {of(acurast.PublicKey{}.ID()), acurast.ErrBadKey},
	} {
		if each.got == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		var own *acurast.Error
		if !errors.As(each.got, &own) || !errors.Is(each.got, each.want) {
			t.Errorf("%s: %v, not %v", name, each.got, each.want)
		}
	}
}

func TestIdentityAfterClose(t *testing.T) {
	leakless(t)
	for _, kind := range kinds {
		identity := newIdentity(t, kind)
		key := identity.PublicKey()
		identity.Close()
		identity.Close()
		_, uncompressed := identity.UncompressedKey()
		_, secret := identity.Secret()
		_, text := identity.PEM()
		_, sign := identity.Sign(nil)
		_, digest := identity.SignDigest([32]byte{})
		_, seal := identity.Seal(key[:], nil, nil)
		_, open := identity.Open(key[:], nil, make([]byte, 99))
		for _, err := range []error{uncompressed, secret, text, sign, digest, seal, open} {
			wants(t, err, acurast.ErrClosed)
		}
		if identity.ID() != (acurast.ID{}) || identity.PublicKey() != (acurast.PublicKey{}) {
			t.Fatal("an id, though it is closed")
		}
	}
}

func TestIdentityIsForManyGoroutines(t *testing.T) {
	eachKind(t, func(t *testing.T, identity *acurast.Identity) {
		key, kind := identity.PublicKey(), identity.Kind()
		var group sync.WaitGroup
		for i := 0; i < 8; i++ {
			i := i
			group.Add(1)
			go func() {
				defer group.Done()
				for j := 0; j < 50; j++ {
					signature, err := identity.Sign([]byte{byte(j)})
					if err == nil {
						err = acurast.Verify(kind, key[:], []byte{byte(j)}, signature)
					}
					if err != nil && !errors.Is(err, acurast.ErrClosed) {
						t.Error(err)
					}
				}
				if i == 0 {
					identity.Close() // in the middle of the others
				}
			}()
		}
		group.Wait()
	})
}
