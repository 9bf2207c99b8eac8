package acurast

import (
	"runtime"
	"testing"
	"time"
)

func TestFifo(t *testing.T) {
	var f fifo[int]
	next, want := 0, 0
	for round := 0; round < 200; round++ { // grows and shrinks, around the ring's end as well
		for i := 0; i < round%17+round/3; i++ {
			f.push(next)
			next++
		}
		for i := 0; i < round%13+round/3 && f.size() > 0; i++ {
			if got := f.pop(); got != want {
				t.Fatalf("%d came, not %d", got, want)
			}
			want++
		}
	}
	for ; f.size() > 0; want++ {
		if got := f.pop(); got != want {
			t.Fatalf("%d came, not %d", got, want)
		}
	}
	for i := 0; i < 20; i++ { // the other way round, at the ring's beginning too
		f.pushFirst(i)
	}
	for i := 19; i >= 0; i-- {
		if got := f.pop(); got != i {
			t.Fatalf("%d came, not %d", got, i)
		}
	}
	if want != next || cap(f.ring) > fifoKept {
		t.Fatalf("%d of %d, and %d places are kept", want, next, cap(f.ring))
	}
}

func TestInboxPausesAndGoesOn(t *testing.T) {
	for name, limits := range map[string][2]int{"count": {4, 1 << 20}, "bytes": {1000, 4}} {
		t.Run(name, func(t *testing.T) {
			var pauses []bool
			c := config{inboxCount: limits[0], inboxBytes: limits[1]}
			b := newInbox(c, func(paused bool) { pauses = append(pauses, paused) })
			for i := 0; i < 6; i++ {
				b.put(Message{Payload: []byte{byte(i)}})
				if paused := len(pauses) == 1 && pauses[0]; paused != (i >= 3) {
					t.Fatalf("%v after %d messages", pauses, i+1)
				}
			}
			for i := 0; i < 6; i++ {
				if message, found := b.poll(); !found || message.Payload[0] != byte(i) {
					t.Fatalf("%v, %v", message, found)
				}
				if goesOn := len(pauses) == 2 && !pauses[1]; goesOn != (i >= 3) {
					t.Fatalf("%v with %d messages left", pauses, 5-i)
				}
			}
		})
	}
}

// Two messages that come with one wake-up reach two who wait.
func TestInboxWakesEachTaker(t *testing.T) {
	for round := 0; round < 100; round++ {
		b := newInbox(config{inboxCount: 10, inboxBytes: 10}, func(bool) {})
		late := make(chan struct{})
		timer := time.AfterFunc(30*time.Second, func() { close(late) })
		taken := make(chan bool, 2)
		for i := 0; i < 2; i++ {
			go func() {
				_, found := b.take(late)
				taken <- found
			}()
		}
		runtime.Gosched()
		b.mu.Lock()
		b.messages.push(Message{})
		b.messages.push(Message{})
		b.mu.Unlock()
		b.wakeOne()
		if first, second := <-taken, <-taken; !first || !second {
			t.Fatal("one waits on, though there is a message")
		}
		timer.Stop()
	}
}

// Whoever is done takes nothing, however much waits: so a loop of Receive ends, and so do handlers once their client is closed.
func TestInboxGivesNothingToWhoIsDone(t *testing.T) {
	b := newInbox(config{inboxCount: 10, inboxBytes: 10}, func(bool) {})
	b.put(Message{Payload: []byte("stays")})
	done := make(chan struct{})
	close(done)
	if message, found := b.take(done); found {
		t.Fatalf("%q was taken", message.Text())
	}
	if message, found := b.take(nil); !found || message.Text() != "stays" {
		t.Fatalf("%q, %v", message.Text(), found)
	}
}
