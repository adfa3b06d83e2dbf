"""A camera's ONVIF metadata stream, for tests/cameras/cameras.py: event documents as RTP, as ONVIF's streaming specification (5.2.1.1)
has it: a document is one or more packets, the last of them marked. Debian's GStreamer has no payloader for it, so here is one."""
import struct

import gi

gi.require_version("GstRtp", "1.0")
from gi.repository import Gst, GstRtp  # noqa: E402

NAME = "beadletestmetadatapay"
MTU = 1400

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" \
xmlns:tns1="http://www.onvif.org/ver10/topics">{event}</tt:MetadataStream>"""
EVENT = """<tt:Event><wsnt:NotificationMessage><wsnt:Topic \
Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">{topic}</wsnt:Topic><wsnt:Message><tt:Message \
UtcTime="2026-11-03T14:00:00Z" PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name="VideoSourceToken" Value="1"/></tt:Source>\
<tt:Data><tt:SimpleItem Name="State" Value="{state}"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage></tt:Event>"""


def document(topic=None, state=False):
    """With no topic: nothing has happened, as cameras say now and then."""
    event = EVENT.format(topic=topic, state=str(bool(state)).lower()) if topic else ""
    return DOCUMENT.format(event=event).encode()


class Payloader(GstRtp.RTPBasePayload):
    def do_set_caps(self, _caps):
        self.set_options("application", True, "VND.ONVIF.METADATA", 90000)
        return self.set_outcaps_structure(None)

    def do_sink_event(self, event):
        # The base class keeps it until it pushes something itself.
        if event.type == Gst.EventType.SEGMENT:
            return self.get_static_pad("src").push_event(event)
        return GstRtp.RTPBasePayload.do_sink_event(self, event)

    def do_handle_buffer(self, buffer):
        # Python holds on to a buffer it pushes, so the base class cannot write the header into it: it is written here.
        pad = self.get_static_pad("src")
        said = pad.get_current_caps().get_structure(0)
        number = {key: said.get_uint(key)[1] for key in ("ssrc", "timestamp-offset", "seqnum-offset")}
        self.sequence = getattr(self, "sequence", number["seqnum-offset"])
        stamp = (number["timestamp-offset"] + buffer.pts * 90000 // Gst.SECOND) & 0xFFFFFFFF
        data = buffer.extract_dup(0, buffer.get_size())
        pieces = [data[i:i + MTU] for i in range(0, len(data), MTU)]
        for i, piece in enumerate(pieces):
            last = 0x80 if i == len(pieces) - 1 else 0
            header = struct.pack(">BBHII", 0x80, self.get_property("pt") | last, self.sequence & 0xFFFF, stamp, number["ssrc"])
            self.sequence += 1
            out = Gst.Buffer.new_wrapped(header + piece)
            out.pts = buffer.pts
            result = pad.push(out)
            if result != Gst.FlowReturn.OK:
                return result
        return Gst.FlowReturn.OK


SINK = "application/x-onvif-metadata"
SRC = "application/x-rtp, media=(string)application, payload=(int)[96,127], clock-rate=(int)90000, encoding-name=(string)VND.ONVIF.METADATA"


def register():
    if Gst.ElementFactory.find(NAME):
        return
    Payloader.set_metadata("ONVIF metadata payloader", "Codec/Payloader/Network/RTP", "Event documents as RTP", "Beadle's tests")
    for name, way, caps in (("sink", Gst.PadDirection.SINK, SINK), ("src", Gst.PadDirection.SRC, SRC)):
        Payloader.add_pad_template(Gst.PadTemplate.new(name, way, Gst.PadPresence.ALWAYS, Gst.Caps.from_string(caps)))
    Gst.Element.register(None, NAME, Gst.Rank.NONE, Payloader)
