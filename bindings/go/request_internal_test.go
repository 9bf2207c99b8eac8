package acurast

import (
	"encoding/json"
	"strings"
	"testing"
)

// Of progress that nobody takes the oldest is dropped, by number and by bytes; one value may always wait.
func TestProgressIsBounded(t *testing.T) {
	bounded := progress{came: make(chan struct{}, 1)}
	for i := 0; i < 2*progressKept; i++ {
		bounded.put(json.RawMessage("1"))
	}
	if bounded.values.size() != progressKept {
		t.Fatal(bounded.values.size())
	}
	bounded.put(make(json.RawMessage, 2*progressBytes))
	if bounded.values.size() != 1 {
		t.Fatal(bounded.values.size())
	}
	bounded.each(func(value json.RawMessage) {})
	if bounded.values.size() != 0 || bounded.bytes != 0 {
		t.Fatal(bounded.values.size(), bounded.bytes)
	}
}

func TestWordsOfStrangersInALine(t *testing.T) {
	long := shown(strings.Repeat("é", shownMost))
	if len(long) > shownMost+len("…") || !strings.HasSuffix(long, "é…") {
		t.Error(long)
	}
	if got := shown("say \"é\"\n\x1b"); got != `say "é"\n\x1b` {
		t.Error(got)
	}
}

// Whoever asks or serves, and takes no messages, is never paused; whoever takes some is.
func TestInboxLetsGo(t *testing.T) {
	paused := false
	inbox := newInbox(config{inboxCount: 2, inboxBytes: 10}, func(on bool) { paused = on })
	put := func(count int) {
		for i := 0; i < count; i++ {
			inbox.put(Message{Payload: make([]byte, 6)})
		}
	}
	put(3)
	if !paused {
		t.Fatal("nobody lets go")
	}
	inbox.letGo()
	if put(3); paused || inbox.messages.size() != 1 {
		t.Fatal(paused, inbox.messages.size())
	}
	if _, found := inbox.poll(); !found {
		t.Fatal("none is left")
	}
	if put(3); !paused || inbox.messages.size() != 3 {
		t.Fatal(paused, inbox.messages.size())
	}
}
