package core

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestVersions(t *testing.T) {
	if err := CheckVersion(); err != nil {
		t.Fatal(err)
	}
	for number, fits := range map[int]bool{100: true, 101: true, 199: true, 0: false, 99: false, 200: false, 10000: false} {
		err := compare(number, "that one")
		if (err == nil) != fits {
			t.Errorf("%d: %v", number, err)
		}
		if err != nil && (!strings.Contains(err.Error(), Version) || !strings.Contains(err.Error(), "that one")) {
			t.Errorf("%q names not both", err)
		}
	}
}

func TestTables(t *testing.T) {
	statuses := map[Status]bool{}
	for _, row := range Statuses() {
		if row.Name == "" || row.Name == "UNKNOWN" || row.Text == "" || statuses[row.Status] {
			t.Errorf("%+v", row)
		}
		statuses[row.Status] = true
	}
	for _, status := range []Status{OK, BadState, Closed, OutboxFull, Expired} {
		if !statuses[status] {
			t.Errorf("status %d is not in the table", status)
		}
	}
	if name := Status(9999).Info().Name; name != "UNKNOWN" {
		t.Error(name)
	}
	for _, row := range OptionTable() {
		if row.Name == "" || row.Type == "" || row.Help == "" {
			t.Errorf("%+v", row)
		}
	}
}

func TestReleasedHandlesAreClosed(t *testing.T) {
	before := LiveObjects()
	identity, status := GenerateIdentity(P256)
	if status != OK {
		t.Fatal(status)
	}
	identity.Release()
	identity.Release()
	if _, status := identity.ID(); status != Closed {
		t.Error(status)
	}
	if signature, status := identity.Sign(nil); status != Closed || signature != [SignatureSize]byte{} {
		t.Error(status)
	}
	if now := LiveObjects(); now != before {
		t.Errorf("%d objects, %d before", now, before)
	}
}
