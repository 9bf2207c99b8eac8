package acurast_test

import (
	"bytes"
	"testing"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

// withPointers is an object that has pointers, and bytes as a part of it: what cgo must not look at may go into every call.
type withPointers struct {
	self  *withPointers
	bytes [100]byte
}

// part copies bytes into such an object.
func part(bytes []byte) []byte {
	whole := &withPointers{}
	whole.self = whole
	return whole.bytes[:copy(whole.bytes[:], bytes)]
}

func TestPartsOfObjectsGoIntoCalls(t *testing.T) {
	leakless(t)
	identity, peer := newIdentity(t, acurast.P256), newIdentity(t, acurast.P256)
	secret, err := identity.Secret()
	check(t, err)
	same, err := acurast.IdentityFromSecret(acurast.P256, part(secret))
	check(t, err)
	defer same.Close()
	own, its := identity.PublicKey(), peer.PublicKey()
	if id, err := acurast.IDOf(part(own[:])); err != nil || id != same.ID() {
		t.Fatal(id, err)
	}
	if key, err := acurast.CompressKey(acurast.P256, part(own[:])); err != nil || key != own {
		t.Fatal(key, err)
	}
	_, err = acurast.ParsePEM(part([]byte("no key")))
	wants(t, err, acurast.ErrBadKey)

	text := []byte("a part of something")
	signature, err := identity.Sign(part(text))
	check(t, err)
	check(t, acurast.Verify(acurast.P256, part(own[:]), part(text), part(signature)))
	digest := [acurast.DigestSize]byte{1}
	signature, err = identity.SignDigest(digest)
	check(t, err)
	check(t, acurast.VerifyDigest(acurast.P256, part(own[:]), digest, part(signature)))
	sealed, err := identity.Seal(part(its[:]), part(text), part(text))
	check(t, err)
	opened, err := peer.Open(part(own[:]), part(text), part(sealed))
	if err != nil || !bytes.Equal(opened, text) {
		t.Fatal(opened, err)
	}
}

func TestPartOfAnObjectIsSent(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t).URL())
	check(t, client.Send(patient(t), client.ID(), part([]byte("awaited"))))
	check(t, client.Enqueue(patient(t), client.ID(), part([]byte("not awaited"))))
	receiveText(t, client, "awaited")
	receiveText(t, client, "not awaited")
}
