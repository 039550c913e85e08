/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine lhv-1's processors, if their number can change; cpu_hotplug.h has the registers.
 * acpi_cpus.c copies the last two parts, which are those of processor 0x5A5A, for each
 * processor.
 */
DefinitionBlock ("", "SSDT", 2, "LHV", "LHV-CPUS", 1)
{
    Scope (\_SB)
    {
        Device (CPUS)
        {
            Name (_HID, "ACPI0010")

            OperationRegion (REGS, SystemIO, 0x610, 0x10)
            Field (REGS, DWordAcc, NoLock, WriteAsZeros)
            {
                SLCT, 32,
                Offset (0x08),
                OSTE, 32,
                OSTS, 32
            }
            Field (REGS, ByteAcc, NoLock, WriteAsZeros)
            {
                Offset (0x04),
                STAT, 8,
                NEXT, 8
            }

            /* What is selected stays so until its registers were used. */
            Mutex (MTEX, 0)

            Method (CSTA, 1, Serialized)
            {
                Acquire (MTEX, 0xFFFF)
                SLCT = Arg0
                Local0 = STAT
                Release (MTEX)
                If (Local0 & 1)
                {
                    Return (0x0F)
                }
                Return (0)
            }

            /* Enabled: Linux asks for it of a processor that is just there. */
            Method (CMAT, 1, Serialized)
            {
                If (Arg0 < 255)
                {
                    Local0 = Buffer (8) { 0, 8, 0, 0, 1, 0, 0, 0 }
                    Local0[2] = Arg0
                    Local0[3] = Arg0
                }
                Else
                {
                    Local0 = Buffer (16) { 9, 16, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 }
                    Local1 = Arg0 >> 8
                    Local0[4] = Arg0 & 0xFF
                    Local0[5] = Local1
                    Local0[12] = Arg0 & 0xFF
                    Local0[13] = Local1
                }
                Return (Local0)
            }

            Method (CEJ0, 1, Serialized)
            {
                Acquire (MTEX, 0xFFFF)
                SLCT = Arg0
                STAT = 8
                Release (MTEX)
            }

            Method (COST, 3, Serialized)
            {
                Acquire (MTEX, 0xFFFF)
                SLCT = Arg0
                OSTE = Arg1
                OSTS = Arg2
                Release (MTEX)
            }

            /* For the event device: what happened to which? */
            Method (SCAN, 0, Serialized)
            {
                Acquire (MTEX, 0xFFFF)
                While (NEXT)
                {
                    Local0 = SLCT
                    Local1 = STAT & 6
                    STAT = Local1
                    If (Local1 & 2)
                    {
                        TELL (Local0, 1)
                    }
                    If (Local1 & 4)
                    {
                        TELL (Local0, 3)
                    }
                }
                Release (MTEX)
            }
        }
    }

    Device (\_SB.CPUS.C000)
    {
        Name (_HID, "ACPI0007")
        Name (_UID, 0x5A5A)
        Method (_STA)
        {
            Return (CSTA (_UID))
        }
        Method (_MAT)
        {
            Return (CMAT (_UID))
        }
        Method (_EJ0, 1)
        {
            CEJ0 (_UID)
        }
        Method (_OST, 3)
        {
            COST (_UID, Arg0, Arg1)
        }
    }

    Method (\_SB.CPUS.TELL, 2)
    {
        If (Arg0 == 0x5A5A)
        {
            Notify (C000, Arg1)
        }
    }
}
