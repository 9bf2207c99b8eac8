package acurast_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func TestParseID(t *testing.T) {
	leakless(t)
	identity := newIdentity(t, acurast.P256)
	long, err := identity.UncompressedKey()
	check(t, err)
	id, short := identity.ID(), identity.PublicKey()
	for _, binary := range [][]byte{id[:], short[:], long} {
		if got, err := acurast.IDOf(binary); err != nil || got != id {
			t.Errorf("%x: %v, %v", binary, got, err)
		}
		text := hex.EncodeToString(binary)
		for _, each := range []string{text, "0x" + text, strings.ToUpper(text)} {
			if got, err := acurast.ParseID(each); err != nil || got != id || acurast.MustParseID(each) != id {
				t.Errorf("%s: %v, %v", each, got, err)
			}
		}
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, acurast.ErrBadHex) || !strings.Contains(err.Error(), `"xxxx`) {
			t.Errorf("MustParseID panics with %v", err)
		}
	}()
	acurast.MustParseID(strings.Repeat("x", 32))
}

func TestIDInJSON(t *testing.T) {
	id := acurast.MustParseID("000102030405060708090a0b0c0d0e0f")
	names := map[acurast.ID]acurast.ID{id: id}
	text, err := json.Marshal(names)
	check(t, err)
	if string(text) != `{"000102030405060708090a0b0c0d0e0f":"000102030405060708090a0b0c0d0e0f"}` {
		t.Fatal(string(text))
	}
	var back map[acurast.ID]acurast.ID
	check(t, json.Unmarshal(text, &back))
	if back[id] != id || len(back) != 1 {
		t.Fatal(back)
	}
	kept := id
	if err := json.Unmarshal([]byte(`"zz"`), &kept); !errors.Is(err, acurast.ErrBadRecipient) && !errors.Is(err, acurast.ErrBadHex) {
		t.Fatal(err)
	}
	if kept != id {
		t.Fatal("a bad text changed an id")
	}
}

func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"", "0x", "000102030405060708090a0b0c0d0e0f", "0x000102030405060708090A0B0C0D0E0F", strings.Repeat("1", 33),
		strings.Repeat("0", 66), "02" + strings.Repeat("ff", 32), "04" + strings.Repeat("00", 64), "ed" + strings.Repeat("01", 32),
		" 000102030405060708090a0b0c0d0e0f\n", strings.Repeat("\x00", 32), strings.Repeat("\x02", 33), strings.Repeat("01", 15) + "zz", "é" + strings.Repeat("0", 30)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := acurast.ParseID(text)
		if err != nil {
			var own *acurast.Error
			if !errors.As(err, &own) || id != (acurast.ID{}) {
				t.Fatalf("%v, %v", id, err)
			}
			return
		}
		if len(text) < 32 {
			t.Fatalf("%q is no id", text)
		}
		if again, err := acurast.ParseID(id.String()); err != nil || again != id {
			t.Fatalf("%v, %v", again, err)
		}
	})
}

func FuzzParsePEM(f *testing.F) {
	for _, kind := range kinds {
		identity, err := acurast.NewIdentity(kind)
		if err != nil {
			f.Fatal(err)
		}
		text, err := identity.PEM()
		if err != nil {
			f.Fatal(err)
		}
		identity.Close()
		f.Add(text)
		f.Add(text[:len(text)/2])
	}
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		identity, err := acurast.ParsePEM(text)
		if err != nil {
			if !errors.Is(err, acurast.ErrBadKey) {
				t.Fatal(err)
			}
			return
		}
		defer identity.Close()
		if _, err := identity.Sign(text); err != nil {
			t.Fatal(err)
		}
	})
}
