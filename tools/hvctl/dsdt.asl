/* SPDX-License-Identifier: GPL-2.0-only */
/* Machine lhv-1: what can't be found by itself. Addresses as in layout.h. */
DefinitionBlock ("", "DSDT", 2, "LHV", "LHV-1", 1)
{
    /* Of cpus.asl: without it, there is no such event. */
    External (\_SB.CPUS.SCAN, MethodObj)

    /* SLP_TYP of S5 is SLEEP_TYPE_S5; the other three are of no use here. */
    Name (\_S5, Package () { 5, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x3F8, 0x3F8, 1, 8)
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 4 }
            })
        }

        /* Time only: no alarm, so no interrupt. */
        Device (RTC0)
        {
            Name (_HID, EisaId ("PNP0B00"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x70, 0x70, 1, 2)
            })
        }

        Device (PWRB)
        {
            Name (_HID, EisaId ("PNP0C0C"))
            Name (_UID, 0)
        }

        /* Its byte is read once for an interrupt: reading takes the events. */
        OperationRegion (GEDB, SystemIO, 0x604, 1)
        Field (GEDB, ByteAcc, NoLock, WriteAsZeros)
        {
            EVTS, 8
        }

        Device (GED0)
        {
            Name (_HID, "ACPI0013")
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { 9 }
            })

            Method (_EVT, 1, Serialized)
            {
                Local0 = EVTS
                If (Local0 & 1)
                {
                    Notify (PWRB, 0x80)
                }
                If (Local0 & 2)
                {
                    \_SB.CPUS.SCAN ()
                }
            }
        }
    }
}
