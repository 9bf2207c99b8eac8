package acurast_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
	"github.com/libacurast/libacurast/bindings/go/internal/core"
)

func TestEveryStatusIsAnError(t *testing.T) {
	for _, row := range core.Statuses() {
		if row.Status == core.OK {
			continue
		}
		status := acurast.Status(row.Status)
		if status.String() != row.Name || status.Error() != "acurast: "+strings.TrimSpace(row.Text) || status.Retriable() != row.Retriable ||
			status.Temporary() != row.Retriable {
			t.Errorf("%+v: %q, %q", row, status.String(), status.Error())
		}
		err := fmt.Errorf("outside: %w", &acurast.Error{Status: status, Detail: "the detail"})
		wants(t, err, status)
		if !strings.HasSuffix(err.Error(), ": the detail") || errors.Is(err, acurast.Status(9999)) {
			t.Error(err)
		}
	}
}

func TestErrorsAreThoseOfNet(t *testing.T) {
	for status, timeout := range map[acurast.Status]bool{acurast.ErrTimeout: true, acurast.ErrExpired: true,
		acurast.ErrUnresponsive: true, acurast.ErrCancelled: false, acurast.ErrLost: false} {
		var own net.Error = &acurast.Error{Status: status}
		if own.Timeout() != timeout {
			t.Errorf("%v: %v", status, own.Timeout())
		}
	}
}

// An error that a context made says it once, and keeps the context's own error.
func TestErrorOfAContext(t *testing.T) {
	leakless(t)
	client := lonely(t, nowhere(t))
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	err := client.Send(ctx, client.ID(), nil)
	wants(t, err, acurast.ErrTimeout, context.DeadlineExceeded)
	if text := err.Error(); strings.Count(text, "acurast: ") != 1 || strings.Count(text, context.DeadlineExceeded.Error()) != 1 {
		t.Fatal(text)
	}
}
