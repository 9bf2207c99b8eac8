package acurast

import (
	"fmt"
	"time"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

// State is where a client or a service stands.
type State int

// The states. A client goes from Idle through Connecting and Authenticating to Connected, to Disconnected whenever that fails or ends, and
// from there to Connecting again; a service from Idle to Listening and Draining. Closed is the last one of both.
const (
	Idle           State = core.StateIdle
	Connecting     State = core.StateConnecting
	Authenticating State = core.StateAuthenticating
	Connected      State = core.StateConnected
	Disconnected   State = core.StateDisconnected
	Closed         State = core.StateClosed
	Listening      State = core.StateListening
	Draining       State = core.StateDraining
)

var stateNames = [...]string{"idle", "connecting", "authenticating", "connected", "disconnected", "closed", "listening", "draining"}

// String is the name in lower case.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("state %d", int(s))
	}
	return stateNames[s]
}

// StateChange is a step from one state to the next.
type StateChange struct {
	State State
	// URL is the service that the change is about; "" if it is about none.
	URL string
	// Err is why a client was disconnected or closed by itself, with the peer's words as detail; else nil.
	Err error
	// CloseCode is the websocket close code that came; 0 if none did.
	CloseCode int
	// Retry is the time until the next try; -1 if there is none.
	Retry time.Duration
}

// String is the change in a line, for logs.
func (c StateChange) String() string {
	text := c.State.String()
	if c.URL != "" {
		text += " " + c.URL
	}
	if c.Err != nil {
		text += ": " + within(c.Err)
	}
	if c.Retry >= 0 {
		text += fmt.Sprintf("; next try in %v", c.Retry)
	}
	return text
}

func stateChange(event *core.Event) StateChange {
	change := StateChange{State: State(event.State), CloseCode: event.CloseCode, Retry: event.Retry}
	if event.Status == core.OK {
		change.URL = event.Text
	} else {
		change.Err = errorOf(event.Status, event.Text)
	}
	return change
}

// statesKept is how many changes wait for one who watches.
const statesKept = 256
