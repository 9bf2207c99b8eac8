package acurast

import (
	"runtime"
	"testing"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// collect runs the finalisers of what is garbage now: they run one after another.
func collect(t *testing.T) {
	t.Helper()
	for i := 0; i < 3; i++ {
		ran := make(chan struct{})
		runtime.SetFinalizer(&[16]byte{}, func(*[16]byte) { close(ran) })
		for late := time.Now().Add(30 * time.Second); ; {
			runtime.GC()
			select {
			case <-ran:
			case <-time.After(time.Millisecond):
				if time.Now().After(late) {
					t.Fatal("finalisers do not run")
				}
				continue
			}
			break
		}
	}
}

// A call has no more than the handle once it has begun: the identity around it may be garbage by then.
func TestIdentityWhoseHandleIsInUseIsNotReleased(t *testing.T) {
	handle := func() *core.Identity {
		identity, err := NewIdentity(P256)
		if err != nil {
			t.Fatal(err)
		}
		return identity.handle
	}()
	collect(t)
	if _, status := handle.Sign([]byte("in use")); status != core.OK {
		t.Fatal(status.Info().Name)
	}
	handle.Release()
}

func TestGarbageIdentityIsReleased(t *testing.T) {
	before := core.LiveObjects()
	if _, err := NewIdentity(P256); err != nil {
		t.Fatal(err)
	}
	collect(t)
	if now := core.LiveObjects(); now > before {
		t.Fatalf("%d objects, %d before", now, before)
	}
}
