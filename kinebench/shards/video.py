"""Video members as bytes: the only importer of PyAV. Every encoder gives the same bytes for the same frames."""

import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

_BITEXACT = {"fflags": "+bitexact"}  # without it Matroska draws a random segment id
# Every frame stands alone, and each of its four slices carries a checksum.
_FFV1 = {"level": "3", "g": "1", "slices": "4", "slicecrc": "1"}
# x264's macroblock tree chooses differently from run to run, even in one thread: 7 results in 1,800 equal encodes, none
# without it. It costs a few per cent of size.
_X264 = "mbtree=0:open-gop=0:colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=off"
# Said in full, because older PyAV ignores the tags and assumes bt601.
_FROM_BT709: dict[str, Any] = {
    "src_colorspace": "ITU709",
    "dst_colorspace": "ITU709",
    "src_color_range": "MPEG",
    "dst_color_range": "JPEG",
}
_TO_BT709: dict[str, Any] = {"dst_colorspace": "ITU709", "src_color_range": "JPEG", "dst_color_range": "MPEG"}
# H.273 numbers of a frame's tag -> FFmpeg's name. A file without a tag was written by a program that left FFmpeg's own
# choice, bt601, in place.
_MATRICES = {1: "ITU709", 4: "FCC", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}
_FULL_RANGE = 2
_UNTAGGED = 2
# The files of others are opened as these and nothing else, and nothing that they name is: a playlist, or a reference in
# a movie, would make FFmpeg open other files or addresses.
_CONTAINERS = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi", "protocol_whitelist": "none"}


# x264 and x265 write their options into the stream, as text that nobody need decode.
_OPTIONS = re.compile(rb"x26[45] [ -~]*options: ([ -~]*)")
_RATE = re.compile(rb" (crf|qp)=([0-9.]+)")


class DecodeError(ValueError):
    """The bytes are not a video that can be decoded whole."""


class SizeError(DecodeError):
    """The file says that its frames are larger than anybody wants."""

    def __init__(self, width_px: int, height_px: int) -> None:
        super().__init__(f"says that its frames are {width_px}x{height_px}")
        self.width_px, self.height_px = width_px, height_px


@dataclass(frozen=True)
class Stream:
    """What a file says about its one video stream."""

    codec: str
    pixel_format: str
    fps: float
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Declared:
    """What anybody's file says of itself, before a frame of it is decoded."""

    codec: str
    pixel_format: str
    fps: float | None  # None where the file does not say it
    width_px: int
    height_px: int
    tagged: bool  # whether it says by which matrix its colours are to be read, or needs none
    others: tuple[str, ...]  # kinds of its streams besides the first video: "audio", "video", "subtitle", ...


@dataclass(frozen=True)
class Rate:
    """How hard x264 or x265 was told to compress."""

    by: Literal["crf", "qp"]
    value: float


@dataclass(frozen=True)
class Coding:
    """What becomes of a picture in a file: first its pixel format's doing, then the codec's."""

    codec: str
    pixel_format: str
    full_colour: bool  # three values of 8 bits or more at every pixel
    lossless: bool  # for all that the file says, the codec loses nothing of the pixel format's values
    rate: Rate | None = None  # None where the file does not say it


def encode_mp4(rgb: NDArray[np.uint8], fps: int, crf: int = 14) -> bytes:
    """H.264 yuv420p of RGB frames (F, H, W, 3), bt709 limited range, the index before the frames.

    Plays in every browser; not exact. H and W must be even. Datasets have crf 14.
    """
    frames, height, width = rgb.shape[:3]
    if height % 2 or width % 2:
        raise ValueError(f"yuv420p needs even sizes; the frames are {width}x{height}")
    return _encode(
        _to_bt709(rgb),
        fps,
        codec="libx264",
        pixel_format="yuv420p",
        container="mp4",
        options={"crf": str(crf), "preset": "medium", "x264-params": _X264},
        # Room for the index ahead of the frames. `faststart` would do the same by reopening a file, and this is none.
        muxer={"moov_size": str(2048 + 32 * frames)},
    )


def encode_ffv1_rgb(codes: NDArray[np.uint8], fps: int) -> bytes:
    """FFV1 `bgr0` in Matroska of 8-bit RGB frames (F, H, W, 3); exact."""
    return _encode(_frames(codes, "rgb24"), fps, codec="ffv1", pixel_format="bgr0", options=_FFV1)


def encode_ffv1_gray(ids: NDArray[np.uint8], fps: int) -> bytes:
    """FFV1 gray in Matroska of 8-bit frames (F, H, W); exact."""
    return _encode(_frames(ids, "gray"), fps, codec="ffv1", pixel_format="gray", options=_FFV1)


def encode_ffv1_gray16(values: NDArray[np.uint16], fps: int) -> bytes:
    """FFV1 16-bit gray in Matroska of frames (F, H, W); exact in PyAV, cut to 8 bits by decord and torchcodec."""
    return _encode(_frames(values, "gray16le"), fps, codec="ffv1", pixel_format="gray16le", options=_FFV1)


def encode_ffv1_rgb48(values: NDArray[np.uint16], fps: int) -> bytes:
    """FFV1 16-bit RGB in Matroska of frames (F, H, W, 3); exact in PyAV, cut to 8 bits by decord and torchcodec."""
    return _encode(_frames(values, "rgb48le"), fps, codec="ffv1", pixel_format="gbrp16le", options=_FFV1)


def encode_lossless_rgb(rgb: NDArray[np.uint8], fps: int) -> bytes:
    """H.264 RGB at qp 0 in Matroska of RGB frames (F, H, W, 3); exact.

    Chosen over FFV1 because both decode exactly and it is an eighth of the size on textured grounds that stand still.
    """
    options = {"qp": "0", "preset": "medium"}
    return _encode(_frames(rgb, "rgb24"), fps, codec="libx264rgb", pixel_format="rgb24", options=options)


def decode_rgb(data: bytes) -> NDArray[np.uint8]:
    """RGB frames (F, H, W, 3) of the mp4 clip or of an 8-bit lossless RGB member."""
    return _decode(data, "rgb24")


def first_rgb(data: bytes) -> NDArray[np.uint8]:
    """The first frame (H, W, 3) of `decode_rgb`, without decoding the others."""
    return _first(data, "rgb24")


def foreign_frames(data: bytes, most_px: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """RGB frames (H, W, 3), one by one, of anybody's mp4, mov, mkv, webm or avi, in any codec and pixel format.

    Matrix and range are those of the file's tags; without tags bt601, limited. Raises `DecodeError`, for frames of more
    than `most_px` pixels before there is room for one: `SizeError` if the file says so.
    """
    try:
        with av.open(io.BytesIO(data), options=_CONTAINERS) as container:
            codec = container.streams.video[0].codec_context if container.streams.video else None
            if codec is None:
                raise ValueError("it holds no video of a known codec")
            codec.options = {"err_detect": "explode"}  # else damage is hidden
            if most_px is not None:
                if codec.width * codec.height > most_px:
                    raise SizeError(codec.width, codec.height)
                codec.options |= {"max_pixels": str(most_px)}
            scaler = VideoReformatter()
            for frame in container.decode(video=0):
                yield _foreign_array(scaler, frame)
    except av.FFmpegError as error:
        raise DecodeError(f"cannot be decoded: {error.strerror}") from error
    except DecodeError:
        raise
    except ValueError as error:
        raise DecodeError(f"cannot be decoded: {error}") from error


def declared(data: bytes, codecs: Collection[str]) -> Declared:
    """What anybody's file says of its first video, by no other decoders than these. Raises `DecodeError`."""
    try:
        with av.open(io.BytesIO(data), options=_CONTAINERS | {"codec_whitelist": ",".join(codecs)}) as container:
            stream = container.streams.video[0]
            context, rate = stream.codec_context, stream.average_rate
            return Declared(
                codec=context.name,
                pixel_format=str(context.pix_fmt),
                fps=float(rate) if rate else None,
                width_px=context.width,
                height_px=context.height,
                tagged=not str(context.pix_fmt).startswith("yuv") or int(context.colorspace) != _UNTAGGED,
                others=tuple(other.type for other in container.streams if other.index != stream.index),
            )
    except (av.FFmpegError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise DecodeError(f"is no video of a known kind: {error}") from error


def decode_gray(data: bytes) -> NDArray[np.uint8]:
    """8-bit frames (F, H, W)."""
    return _decode(data, "gray")


def first_gray(data: bytes) -> NDArray[np.uint8]:
    """The first frame (H, W) of `decode_gray`, without decoding the others."""
    return _first(data, "gray")


def decode_gray16(data: bytes) -> NDArray[np.uint16]:
    """16-bit frames (F, H, W)."""
    return _decode(data, "gray16le")


def decode_rgb48(data: bytes) -> NDArray[np.uint16]:
    """16-bit RGB frames (F, H, W, 3)."""
    return _decode(data, "rgb48le")


def inspect(data: bytes) -> Stream:
    """What the file says about its video stream, without decoding a frame. Raises `DecodeError`."""
    try:
        with av.open(io.BytesIO(data)) as container:
            stream = container.streams.video[0]
            return Stream(
                codec=stream.codec_context.name,
                pixel_format=stream.codec_context.pix_fmt,
                fps=float(stream.average_rate),
                width_px=stream.codec_context.width,
                height_px=stream.codec_context.height,
            )
    except (av.FFmpegError, IndexError, TypeError) as error:
        raise DecodeError(f"not a video: {error}") from error


def coding(data: bytes) -> Coding:
    """How anybody's video is coded, without decoding a frame. Raises `DecodeError`."""
    try:
        with av.open(io.BytesIO(data), options=_CONTAINERS) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            first = next(packet for packet in container.demux(stream) if packet.size)
            options = _OPTIONS.search((context.extradata or b"") + bytes(first))
            format = av.VideoFormat(context.pix_fmt)
            codec = context.codec
            only = codec.canonical_name if hasattr(codec, "canonical_name") else codec.name
            return _coding(only, codec.lossless and not codec.lossy, format, options[1] if options else b"")
    except (av.FFmpegError, IndexError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise DecodeError(f"not a video: {error}") from error


def _coding(codec: str, lossless: bool, format: Any, options: bytes) -> Coding:
    found = _RATE.search(options)
    rate = Rate("crf" if found[1] == b"crf" else "qp", float(found[2])) if found else None
    if b" lossless " in options or (codec == "h264" and rate == Rate("qp", 0.0)):
        lossless, rate = True, None
    wide = [part.bits >= 8 for part in format.components]
    whole = (format.chroma_width(16), format.chroma_height(16)) == (16, 16)
    return Coding(codec, format.name, len(wide) >= 3 and all(wide) and whole, bool(lossless), rate)


def as_coded(rgb: NDArray[np.uint8], fps: float, how: Coding) -> NDArray[np.uint8] | None:
    """RGB frames (F, H, W, 3) coded alike and decoded again; None if this FFmpeg cannot do that.

    By x264 or x265 if there is a rate, at their default options; else by the pixel format alone.
    """
    try:
        if how.rate is None:
            scaler, back = VideoReformatter(), VideoReformatter()
            frames = (scaler.reformat(frame, format=how.pixel_format) for frame in _frames(rgb, "rgb24"))
            return np.stack([_foreign_array(back, frame) for frame in frames])
        return np.stack(list(foreign_frames(_encode_at(rgb, fps, how.codec, how.pixel_format, how.rate))))
    except (av.FFmpegError, ValueError):
        return None


def _encode_at(rgb: NDArray[np.uint8], fps: float, codec: str, pixel_format: str, rate: Rate) -> bytes:
    said = f"{rate.value:g}"
    options = {str(rate.by): said, "mbtree": "0"}  # as in `_X264`: so that it is the same each time
    if codec == "hevc":
        options = {"x265-params": f"{rate.by}={said}:log-level=none:pools=1:frame-threads=1"}
    colours = av.VideoFormat(pixel_format).is_rgb
    encoder = {"hevc": "libx265", "h264": "libx264rgb" if colours else "libx264"}[codec]
    form = "rgb24" if encoder == "libx264rgb" else pixel_format
    scaler = VideoReformatter()
    frames = [scaler.reformat(frame, format=form) for frame in _frames(rgb, "rgb24")]
    return _encode(frames, max(round(fps), 1), codec=encoder, pixel_format=form, options=options)


def _frames(arrays: NDArray[Any], format: str) -> list[Any]:
    return [av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format=format) for array in arrays]


def _to_bt709(rgb: NDArray[np.uint8]) -> list[Any]:
    scaler = VideoReformatter()  # one for the clip: setting one up costs more than a small frame
    frames = _frames(rgb, "rgb24")
    return [scaler.reformat(frame, format="yuv420p", interpolation="AREA", **_TO_BT709) for frame in frames]


def _encode(
    frames: list[Any],
    fps: int,
    *,
    codec: str,
    pixel_format: str,
    options: dict[str, str],
    container: str = "matroska",
    muxer: dict[str, str] | None = None,
) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=_BITEXACT | (muxer or {})) as output:
        stream = output.add_stream(codec, rate=fps, options={"flags": "+bitexact", "threads": "1"} | options)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, pixel_format
        for frame in [*frames, None]:
            for packet in stream.encode(frame):
                output.mux(packet)
    return buffer.getvalue()


def _decode(data: bytes, format: str) -> NDArray[Any]:
    try:
        with av.open(io.BytesIO(data)) as container:
            scaler = VideoReformatter()
            return np.stack([_array(scaler, frame, format) for frame in container.decode(video=0)])
    except (av.FFmpegError, IndexError, ValueError) as error:  # ValueError: no frames, or of several sizes
        raise DecodeError(f"cannot be decoded: {error}") from error


def _first(data: bytes, format: str) -> NDArray[Any]:
    try:
        with av.open(io.BytesIO(data)) as container:
            return _array(VideoReformatter(), next(container.decode(video=0)), format)
    except (av.FFmpegError, IndexError, ValueError, StopIteration) as error:
        raise DecodeError(f"cannot be decoded: {error or 'it has no frames'}") from error


def _array(scaler: VideoReformatter, frame: Any, format: str) -> NDArray[Any]:
    colours = _FROM_BT709 if frame.format.name.startswith("yuv") else {}
    array: NDArray[Any] = scaler.reformat(frame, format=format, **colours).to_ndarray()
    return array


def _foreign_array(scaler: VideoReformatter, frame: Any) -> NDArray[np.uint8]:
    if frame.is_corrupt:
        raise ValueError("a frame is damaged")
    colours: dict[str, Any] = {}
    if not frame.format.is_rgb:
        full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
        colours = {
            "src_colorspace": _MATRICES.get(int(frame.colorspace), "ITU601"),
            "dst_colorspace": "ITU709",  # of RGB it says nothing
            "src_color_range": "JPEG" if full else "MPEG",
            "dst_color_range": "JPEG",
        }
    array: NDArray[Any] = scaler.reformat(frame, format="rgb24", **colours).to_ndarray()
    return array
