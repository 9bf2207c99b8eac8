package acurast_test

import (
	"context"
	"testing"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func TestLook(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client, here := dial(t, url), dial(t, url)
		away, _ := departed(t, url)
		nobody := acurast.ID{1}
		seen, err := client.Look(patient(t), nobody, here.ID(), away, client.ID(), nobody)
		check(t, err)
		want := []acurast.Seen{
			{ID: nobody},
			{here.ID(), acurast.Here, here.PublicKey()},
			{ID: away, Presence: acurast.Away},
			{client.ID(), acurast.Here, client.PublicKey()},
			{ID: nobody, Presence: acurast.NotHere},
		}
		if len(seen) != len(want) {
			t.Fatalf("%d answers", len(seen))
		}
		for i := range want {
			if seen[i] != want[i] {
				t.Errorf("%d: %+v, not %+v", i, seen[i], want[i])
			}
		}
	})
}

func TestLookForManyOrNone(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t).URL())
	if seen, err := client.Look(patient(t)); err != nil || len(seen) != 0 {
		t.Fatal(seen, err)
	}
	ids := make([]acurast.ID, 130) // of which 64 fit into one frame
	for i := range ids {
		ids[i] = acurast.ID{byte(i), 1}
	}
	ids[129] = client.ID()
	seen, err := client.Look(patient(t), ids...)
	check(t, err)
	if len(seen) != len(ids) {
		t.Fatalf("%d answers", len(seen))
	}
	for i, one := range seen {
		if one.ID != ids[i] || (one.Presence == acurast.Here) != (i == 129) {
			t.Errorf("%d: %+v", i, one)
		}
	}
}

func TestKeyOf(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client, here := dial(t, url), dial(t, url)
		if key, err := client.KeyOf(patient(t), here.ID()); err != nil || key != here.PublicKey() {
			t.Fatal(key, err)
		}
		away, _ := departed(t, url)
		for _, id := range []acurast.ID{{1}, away} {
			_, err := client.KeyOf(patient(t), id)
			wants(t, err, acurast.ErrNotHere)
		}
	})
}

func TestGoneIsToldOnceForEachWatch(t *testing.T) {
	leakless(t)
	url := newService(t, acurast.WithMailboxSeconds(0)).URL()
	client := dial(t, url)
	gone, also := client.Gone(patient(t)), client.Gone(patient(t))
	looked, sent, unknown := dial(t, url), dial(t, url), dial(t, url)
	_, err := client.Look(patient(t), looked.ID())
	check(t, err)
	sendUntil(t, client, acurast.Delivered, sent.ID(), "hello")
	for _, leaves := range []*acurast.Client{unknown, looked, sent} { // one after another
		check(t, leaves.Close())
		if leaves == unknown {
			continue
		}
		want := acurast.Gone{ID: leaves.ID(), Presence: acurast.NotHere}
		for _, each := range []<-chan acurast.Gone{gone, also} {
			if got := await(t, each, "who is gone"); got != want {
				t.Fatalf("%+v, not %+v", got, want)
			}
		}
	}
	check(t, client.Close())
	if more := awaitEnd(t, gone, "Gone"); len(more) != 0 {
		t.Fatal(more)
	}
	if more := awaitEnd(t, client.Gone(context.Background()), "Gone of a closed client"); len(more) != 0 {
		t.Fatal(more)
	}
}

func TestGoneSaysWhatIsLeft(t *testing.T) {
	eachService(t, func(t *testing.T, url string) {
		client := dial(t, url)
		gone := client.Gone(patient(t))
		identity := newIdentity(t, acurast.P256)
		id := identity.ID()
		first := dial(t, url, acurast.WithIdentity(identity))
		_, err := client.Look(patient(t), id)
		check(t, err)
		second := dial(t, url, acurast.WithIdentity(identity))
		if got, want := await(t, gone, "who was replaced"), (acurast.Gone{ID: id, Presence: acurast.Here}); got != want {
			t.Fatalf("%+v, not %+v", got, want)
		}
		check(t, first.Close())
		_, err = client.Look(patient(t), id)
		check(t, err)
		check(t, second.Close())
		if got, want := await(t, gone, "who is away"), (acurast.Gone{ID: id, Presence: acurast.Away}); got != want {
			t.Fatalf("%+v, not %+v", got, want)
		}
	})
}

func TestGoneEndsWithItsContext(t *testing.T) {
	leakless(t)
	client := dial(t, newService(t).URL())
	ctx, cancel := context.WithCancel(context.Background())
	gone := client.Gone(ctx)
	cancel()
	awaitEnd(t, gone, "Gone")
}

// What a look has learnt is what Seal wants.
func TestSealForWhoIsHere(t *testing.T) {
	leakless(t)
	url := newService(t).URL()
	mine, its := newIdentity(t, acurast.P256), newIdentity(t, acurast.P256)
	client, peer := dial(t, url, acurast.WithIdentity(mine)), dial(t, url, acurast.WithIdentity(its))
	key, err := client.KeyOf(patient(t), peer.ID())
	check(t, err)
	sealed, err := mine.Seal(key[:], []byte("salt"), []byte("secret"))
	check(t, err)
	own := mine.PublicKey()
	if plain, err := its.Open(own[:], []byte("salt"), sealed); err != nil || string(plain) != "secret" {
		t.Fatal(plain, err)
	}
}

func TestNamesOfLevelsAndPresences(t *testing.T) {
	for value, want := range map[interface{ String() string }]string{
		acurast.Written: "written", acurast.Relayed: "relayed", acurast.Delivered: "delivered", acurast.Level(9): "level 9",
		acurast.NotHere: "not here", acurast.Here: "here", acurast.Away: "away", acurast.Presence(9): "presence 9",
	} {
		if value.String() != want {
			t.Errorf("%q, not %q", value.String(), want)
		}
	}
}
