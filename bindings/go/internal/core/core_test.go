// Package core_test is outside the package: with a file of a test inside it, `go test` would compile the whole C core once more.
package core_test

import (
	"strings"
	"testing"

	"github.com/libacurast/libacurast/bindings/go/internal/core"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestVersions(t *testing.T) {
	if err := core.CheckVersion(); err != nil {
		t.Fatal(err)
	}
	for number, fits := range map[int]bool{100: true, 101: true, 199: true, 0: false, 99: false, 200: false, 10000: false} {
		err := core.CompareVersion(number, "that one")
		if (err == nil) != fits {
			t.Errorf("%d: %v", number, err)
		}
		if err != nil && (!strings.Contains(err.Error(), core.Version) || !strings.Contains(err.Error(), "that one")) {
			t.Errorf("%q names not both", err)
		}
	}
}

func TestTables(t *testing.T) {
	statuses := map[core.Status]bool{}
	for _, row := range core.Statuses() {
		if row.Name == "" || row.Name == "UNKNOWN" || row.Text == "" || statuses[row.Status] {
			t.Errorf("%+v", row)
		}
		statuses[row.Status] = true
	}
	for _, status := range []core.Status{core.OK, core.BadState, core.Closed, core.OutboxFull, core.Expired} {
		if !statuses[status] {
			t.Errorf("status %d is not in the table", status)
		}
	}
	if name := core.Status(9999).Info().Name; name != "UNKNOWN" {
		t.Error(name)
	}
	for _, row := range core.OptionTable() {
		if row.Name == "" || row.Type == "" || row.Help == "" {
			t.Errorf("%+v", row)
		}
	}
}

func TestReleasedHandlesAreClosed(t *testing.T) {
	before := core.LiveObjects()
	identity, status := core.GenerateIdentity(core.P256)
	if status != core.OK {
		t.Fatal(status)
	}
	identity.Release()
	identity.Release()
	if _, status := identity.ID(); status != core.Closed {
		t.Error(status)
	}
	if signature, status := identity.Sign(nil); status != core.Closed || signature != [core.SignatureSize]byte{} {
		t.Error(status)
	}
	if now := core.LiveObjects(); now != before {
		t.Errorf("%d objects, %d before", now, before)
	}
}
