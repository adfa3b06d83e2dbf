#!/usr/bin/env bash
# Makes the test cameras' footage, once: real street footage out of a Debian package, encoded as cameras would.
#
#   usage: scripts/footage.sh [FOLDER]          (default target/footage)
#
# Nothing is installed: the package is downloaded and one file taken out of it. A file whose recipe has not changed
# is left alone, so a second run costs a second. Needs ffmpeg, ffprobe, apt-get, dpkg-deb (scripts/install.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-target/footage}
mkdir -p "$out"
exec 9>"$out/.lock"; flock 9            # two runs at once would write the same files
began=$SECONDS

say() { printf 'footage: %s\n' "$*"; }
die() { printf 'footage: %s\n' "$*" >&2; exit 1; }

for tool in ffmpeg ffprobe apt-get dpkg-deb tar; do
    command -v "$tool" >/dev/null || die "$tool is missing; run scripts/install.sh first"
done

# 1. The source: pedestrians on a street corner from above, 768x576, 10 frames a second, 80 seconds.
source=$out/vtest.avi
if [ ! -s "$source" ]; then
    say "fetching Debian package opencv-doc (96 MB) for its street footage"
    part=$(mktemp -d "$out/fetch.XXXXXX")
    trap 'rm -rf "$part"' EXIT
    chmod 755 "$part"
    (cd "$part" && { apt-get -q download opencv-doc || { apt-get -q update && apt-get -q download opencv-doc; }; }) >"$out/fetch.log" 2>&1 \
        || { tail -n 5 "$out/fetch.log" >&2; die "could not fetch opencv-doc; is a Debian mirror reachable? (apt-get download opencv-doc)"; }
    dpkg-deb --fsys-tarfile "$part"/opencv-doc_*.deb | tar xO ./usr/share/doc/opencv-doc/examples/data/vtest.avi >"$part/vtest.avi"
    mv "$part/vtest.avi" "$source"
    rm -rf "$part"; trap - EXIT
fi

# make NAME ARGUMENTS… : runs ffmpeg unless NAME was made by these very arguments.
make_file() {
    local name=$1; shift
    local recipe="$*"
    if [ -s "$out/$name" ] && [ "$(cat "$out/$name.recipe" 2>/dev/null)" = "$recipe" ]; then
        say "$name is there"
        return
    fi
    say "making $name"
    rm -f "$out/$name.recipe"
    ffmpeg -nostdin -y -hide_banner -loglevel error -stats -stats_period 5 "$@" "$out/$name.part" 2> >(tr '\r' '\n' >&2)
    mv "$out/$name.part" "$out/$name"
    printf '%s' "$recipe" >"$out/$name.recipe"
}

# 4:3 to 16:9 by cropping. No B-frames, a key frame every two seconds and never elsewhere, parameter sets with each
# key frame, an access unit delimiter before each picture (the camera program cuts the file at them).
# The source's 10 frames a second are played at the camera's rate: people hurry a little.
shape() { printf 'crop=768:432:0:72,scale=%s:flags=bicubic,format=yuv420p' "$1"; }
x264() { printf 'keyint=%s:min-keyint=%s:scenecut=0:bframes=0:aud=1:repeat-headers=1' "$1" "$1"; }
# The marker that a mask must hide: solid magenta, well inside x 0.60 to 0.80, y 0.30 to 0.60.
marker='drawbox=x=iw*0.64:y=ih*0.36:w=iw*0.12:h=ih*0.18:color=0xFF00FF@1:t=fill'

make_file street-1080p25.h264 -r 25 -i "$source" -frames:v 500 -vf "$(shape 1920:1080)" -an -c:v libx264 -preset superfast \
    -b:v 4M -maxrate 4M -bufsize 4M -x264-params "$(x264 50)" -f h264
make_file street-1080p25.h265 -r 25 -i "$source" -frames:v 300 -vf "$(shape 1920:1080)" -an -c:v libx265 -preset ultrafast \
    -b:v 2500k -x265-params "log-level=error:keyint=50:min-keyint=50:scenecut=0:open-gop=0:bframes=0:aud=1:repeat-headers=1" -f hevc
make_file street-low.h264 -r 25 -i "$source" -frames:v 500 -vf "$(shape 1920:1080)" -an -c:v libx264 -preset ultrafast \
    -b:v 400k -maxrate 450k -bufsize 450k -x264-params "$(x264 50)" -f h264
make_file street-720p25.h264 -r 25 -i "$source" -frames:v 250 -vf "$(shape 1280:720)" -an -c:v libx264 -preset superfast \
    -b:v 2M -maxrate 2M -bufsize 2M -x264-params "$(x264 50)" -f h264
# The street with a black privacy zone of the camera's own over the polygon of the marked scene.
make_file zoned-1080p25.h264 -r 25 -i "$source" -frames:v 500 -vf "$(shape 1920:1080),drawbox=x=1104:y=288:w=480:h=384:color=black:t=fill" -an \
    -c:v libx264 -preset superfast -b:v 4M -maxrate 4M -bufsize 4M -x264-params "$(x264 50)" -f h264
make_file masked-640x360p12.h264 -r 12 -i "$source" -frames:v 240 -vf "$(shape 640:360),$marker" -an -c:v libx264 -preset superfast \
    -b:v 600k -maxrate 600k -bufsize 600k -x264-params "$(x264 24)" -f h264
# Small ones, for towns of many cameras.
make_file small-360p12.h265 -r 12 -i "$source" -frames:v 240 -vf "$(shape 640:360)" -an -c:v libx265 -preset ultrafast \
    -b:v 500k -x265-params "log-level=error:keyint=24:min-keyint=24:scenecut=0:open-gop=0:bframes=0:aud=1:repeat-headers=1" -f hevc
make_file small-480x270p12.h264 -r 12 -i "$source" -frames:v 240 -vf "$(shape 480:270)" -an -c:v libx264 -preset superfast \
    -b:v 400k -maxrate 400k -bufsize 400k -x264-params "$(x264 24)" -f h264
# With B pictures: coded in another order than shown. Its .shown file has, for each picture as coded, its place in the order shown.
make_file bframes-360p12.h264 -r 12 -i "$source" -frames:v 240 -vf "$(shape 640:360)" -an -c:v libx264 -preset superfast \
    -b:v 500k -maxrate 500k -bufsize 500k -x264-params "keyint=24:min-keyint=24:scenecut=0:bframes=2:b-adapt=0:b-pyramid=none:open-gop=0:aud=1:repeat-headers=1" -f h264
# shown NAME : writes NAME.shown, for each picture as coded its place in the order shown.
shown() {
    local name=$1
    [ -s "$out/$name.shown" ] && [ ! "$out/$name" -nt "$out/$name.shown" ] && return
    # The decoder says of each picture shown which one as coded it was.
    ffprobe -v error -select_streams v:0 -show_entries frame=coded_picture_number -of csv=p=0 "$out/$name" | tr -d ',' \
        | awk 'NF { print $1, n++ }' | sort -n | awk '{ print $2 }' >"$out/$name.shown"
}
shown bframes-360p12.h264

# The marked scene as cameras with privacy zones of their own send it: a checker of magenta and green moves under the polygon
# x 0.60 to 0.80, y 0.30 to 0.60. Its squares average to grey: what a mosaic leaves of it is no magenta, while one square seen is.
# COVER: open (no zone), solid (black) or mosaic (cells of 24 pixels, the picture's origin a corner of one); SOLID-open and so on:
# one group of pictures in whose middle the zone goes, or comes.
# marked NAME.CODEC UNIT GROUP PICTURES COVER ENCODER… : the picture is 80 by 45 units.
marked() {
    local name=$1 u=$2 group=$3 pictures=$4 cover=$5 enable=1 box; shift 5
    case $cover in
        open-*) enable="gte(n\,$((group / 2)))"; cover=${cover#*-} ;;
        *-open) enable="lt(n\,$((group / 2)))"; cover=${cover%-*} ;;
    esac
    case $cover in
        open) box=null ;;
        solid) box="drawbox=x=$((46 * u)):y=$((12 * u)):w=$((20 * u)):h=$((16 * u)):color=black:t=fill:enable='$enable'" ;;
        mosaic) box="split[a][b];[b]crop=$((18 * u)):$((15 * u)):$((48 * u)):$((12 * u)),pixelize=w=24:h=24[p];[a][p]overlay=$((48 * u)):$((12 * u)):enable='$enable'" ;;
        *) die "$name: no cover $cover" ;;
    esac
    make_file "$name" -r 12 -i "$source" \
        -f lavfi -i "color=black:s=$((10 * u))x$((6 * u)):r=12,format=gbrp,geq=r='255*mod(floor(X/$u)+floor(Y/$u),2)':g='255-255*mod(floor(X/$u)+floor(Y/$u),2)':b='255*mod(floor(X/$u)+floor(Y/$u),2)',format=yuv444p" \
        -frames:v "$pictures" -filter_complex "[0]$(shape $((80 * u)):$((45 * u)))[s];[s][1]overlay=format=yuv444:x='2*trunc($u*(25.6+0.8*sin(t*3)))':y='2*trunc($u*(8.7+1.2*sin(t*2)))',format=yuv420p,$box" \
        -an "$@"
}
# family NAME.CODEC UNIT GROUP COVER… -- ENCODER… : NAME-COVER.CODEC for each; 20 seconds, what changes in the middle one group.
family() {
    local name=${1%.*} codec=${1##*.} u=$2 group=$3 covers=() cover; shift 3
    while [ "$1" != -- ]; do covers+=("$1"); shift; done
    shift
    for cover in "${covers[@]}"; do
        marked "$name-$cover.$codec" "$u" "$group" "$([[ $cover == *-* ]] && echo "$group" || echo 240)" "$cover" "$@"
    done
}
every=(open solid mosaic solid-open open-solid mosaic-open open-mosaic)
family marker-360p12.h264 8 12 "${every[@]}" -- -c:v libx264 -preset superfast -b:v 600k -maxrate 600k -bufsize 600k \
    -x264-params "$(x264 12)" -f h264
family marker-b-360p12.h264 8 24 "${every[@]}" -- -c:v libx264 -preset superfast -b:v 600k -maxrate 600k -bufsize 600k \
    -x264-params "keyint=24:min-keyint=24:scenecut=0:bframes=2:b-adapt=0:b-pyramid=none:open-gop=0:aud=1:repeat-headers=1" -f h264
for cover in "${every[@]}"; do shown "marker-b-360p12-$cover.h264"; done
family marker-360p12.h265 8 24 "${every[@]}" -- -c:v libx265 -preset ultrafast -b:v 500k \
    -x265-params "log-level=error:keyint=24:min-keyint=24:scenecut=0:open-gop=0:bframes=0:aud=1:repeat-headers=1" -f hevc
family marker-720p12.h264 16 24 open solid -- -c:v libx264 -preset superfast -b:v 1200k -maxrate 1200k -bufsize 1200k \
    -x264-params "$(x264 24)" -f h264
make_file street.aac -f lavfi -i "anoisesrc=color=brown:amplitude=0.2:sample_rate=16000:duration=20:seed=7" \
    -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=16000:duration=20" \
    -filter_complex "[0][1]amix=inputs=2:weights=1 0.4,aformat=channel_layouts=mono" -c:a aac -b:a 32k -f adts

# Streams of odd cameras (tests/cameras/quirks): small, 12 pictures a second. Each picture has its number in it, as eight squares of
# 16 pixels at its lower left, black or white, the lowest bit first: what was painted over and encoded anew is still told apart.
# odd NAME SIZE PICTURES FORMAT ENCODER…
odd() {
    local name=$1 size=$2 pictures=$3 format=$4; shift 4
    make_file "$name" -r 12 -i "$source" \
        -f lavfi -i "color=black:s=128x16:r=12,format=gray,geq=lum='255*mod(floor(N/pow(2,floor(X/16))),2)'" \
        -frames:v "$pictures" -filter_complex "[0]$(shape "$size")[s];[s][1]overlay=x=0:y=H-16,format=$format" -an "$@"
}
odd264() { local name=$1 pictures=$2 params=$3; shift 3; odd "$name.h264" 320x180 "$pictures" yuv420p -c:v libx264 -preset superfast -crf 30 "$@" -x264-params "$params:aud=1:repeat-headers=1:scenecut=0" -f h264; }
odd265() { local name=$1 pictures=$2 params=$3; shift 3; odd "$name.h265" 320x180 "$pictures" yuv420p -c:v libx265 -preset ultrafast -crf 32 "$@" -x265-params "log-level=error:aud=1:repeat-headers=1:scenecut=0:bframes=0:$params" -f hevc; }
every24='keyint=24:min-keyint=24:bframes=0'
odd264 odd-main 240 "$every24" -profile:v main
odd264 odd-night 240 "$every24:ref=2" -profile:v high
odd264 odd-slices 240 "$every24:slices=4" -profile:v main
odd264 odd-long 720 'keyint=300:min-keyint=300:bframes=0' -profile:v main
odd264 odd-endless 1200 'keyint=infinite:min-keyint=1000:bframes=0' -profile:v main
odd264 odd-refresh 1200 'keyint=24:min-keyint=24:bframes=0:intra-refresh=1' -profile:v main
odd264 odd-intra 48 'keyint=1:bframes=0' -profile:v main
odd264 odd-few 48 'keyint=4:min-keyint=4:bframes=0' -profile:v main
odd264 odd-timing 240 "$every24:nal-hrd=vbr:vbv-maxrate=1000:vbv-bufsize=1000" -profile:v main
odd264 odd-open 1200 'keyint=24:min-keyint=24:bframes=2:b-adapt=0:b-pyramid=none:open-gop=1' -profile:v main
odd264 odd-b 240 'keyint=24:min-keyint=24:bframes=2:b-adapt=0:b-pyramid=none:open-gop=0' -profile:v main
odd264 odd-high 240 "$every24:8x8dct=1:cqm=jvt" -profile:v high
odd odd-field.h264 352x288 240 yuv420p -c:v libx264 -preset superfast -crf 30 -flags +ilme+ildct -x264-params "$every24:tff=1:aud=1:repeat-headers=1:scenecut=0" -f h264
# The lower field first; with CAVLC, so that a test can take that out of slice headers.
odd odd-order.h264 352x288 240 yuv420p,setfield=bff -c:v libx264 -preset superfast -crf 30 -profile:v main -flags +ilme+ildct -x264-params "$every24:bff=1:cabac=0:aud=1:repeat-headers=1:scenecut=0" -f h264
odd odd-422.h264 320x180 240 yuv422p -c:v libx264 -preset superfast -crf 30 -profile:v high422 -x264-params "$every24:aud=1:repeat-headers=1:scenecut=0" -f h264
odd odd-10bit.h264 320x180 240 yuv420p10le -c:v libx264 -preset superfast -crf 30 -profile:v high10 -x264-params "$every24:aud=1:repeat-headers=1:scenecut=0" -f h264
odd odd-large.h264 480x270 240 yuv420p -c:v libx264 -preset superfast -crf 30 -profile:v main -x264-params "$every24:aud=1:repeat-headers=1:scenecut=0" -f h264
odd odd-uneven.h264 322x182 240 yuv420p -c:v libx264 -preset superfast -crf 30 -profile:v main -x264-params "$every24:aud=1:repeat-headers=1:scenecut=0" -f h264
odd odd-tall.h264 180x320 240 yuv420p -c:v libx264 -preset superfast -crf 30 -profile:v main -x264-params "$every24:aud=1:repeat-headers=1:scenecut=0" -f h264
odd265 odd-main 240 'keyint=24:min-keyint=24:open-gop=0'
odd265 odd-night 240 'keyint=24:min-keyint=24:open-gop=0:ref=1:max-merge=3:amp=0:ctu=32'
odd265 odd-slices 240 'keyint=24:min-keyint=24:open-gop=0:slices=3:ctu=16'
odd265 odd-cra 240 'keyint=24:min-keyint=24:open-gop=1'
odd265 odd-long 720 'keyint=300:min-keyint=300:open-gop=0'
odd odd-10bit.h265 320x180 240 yuv420p10le -c:v libx265 -preset ultrafast -crf 32 -profile:v main10 -x265-params 'log-level=error:aud=1:repeat-headers=1:scenecut=0:bframes=0:keyint=24:min-keyint=24:open-gop=0' -f hevc
for name in odd-open odd-b; do shown "$name.h264"; done

# 2. What was made is what was meant.
# check NAME CODEC WIDTH HEIGHT PICTURES PICTURES_A_KEY_FRAME
check() {
    local got want="$2,$3,$4,$5,$(( ($5 + $6 - 1) / $6 )),0"
    got=$(ffprobe -v error -select_streams v:0 -show_entries stream=codec_name,width,height,has_b_frames:packet=flags -of compact=p=0 "$out/$1" \
        | awk -F'[=|]' '/^flags/ { n++; if ($2 ~ /K/) k++; next } { for (i = 1; i < NF; i += 2) v[$i] = $(i+1) }
                        END { printf "%s,%s,%s,%d,%d,%s", v["codec_name"], v["width"], v["height"], n, k, v["has_b_frames"] }')
    [ "$got" = "$want" ] || { rm -f "$out/$1.recipe"; die "$1 is $got where $want was meant (codec,width,height,pictures,key pictures,reordering); run again to make it anew"; }
}
check street-1080p25.h264 h264 1920 1080 500 50
check street-1080p25.h265 hevc 1920 1080 300 50
check street-low.h264 h264 1920 1080 500 50
check street-720p25.h264 h264 1280 720 250 50
check zoned-1080p25.h264 h264 1920 1080 500 50
check masked-640x360p12.h264 h264 640 360 240 24
check small-360p12.h265 hevc 640 360 240 24
check small-480x270p12.h264 h264 480 270 240 24
for cover in open solid mosaic; do
    check "marker-360p12-$cover.h264" h264 640 360 240 12
    check "marker-360p12-$cover.h265" hevc 640 360 240 24
done
for name in odd-main odd-night odd-slices odd-timing odd-high; do check "$name.h264" h264 320 180 240 24; done
for name in odd-main odd-night odd-slices odd-cra; do check "$name.h265" hevc 320 180 240 24; done
check odd-long.h264 h264 320 180 720 300
check odd-long.h265 hevc 320 180 720 300
check odd-intra.h264 h264 320 180 48 1
check odd-few.h264 h264 320 180 48 4
check odd-large.h264 h264 480 270 240 24
check odd-field.h264 h264 352 288 240 24
for cover in open solid; do check "marker-720p12-$cover.h264" h264 1280 720 240 24; done
for change in solid-open open-solid mosaic-open open-mosaic; do
    check "marker-360p12-$change.h264" h264 640 360 12 12
    check "marker-360p12-$change.h265" hevc 640 360 24 24
done
[ "$(sort -n "$out/bframes-360p12.h264.shown" | awk '$1 != NR - 1' | wc -l) $(wc -l <"$out/bframes-360p12.h264.shown") $(head -4 "$out/bframes-360p12.h264.shown" | tr '\n' ' ')" = "0 240 0 3 1 2 " ] \
    || { rm -f "$out/bframes-360p12.h264".*; die "bframes-360p12.h264 is not coded as was meant; run again to make it anew"; }
[ "$(ffprobe -v error -show_entries stream=codec_name,sample_rate,channels -of csv=p=0 "$out/street.aac")" = aac,16000,1 ] \
    || { rm -f "$out/street.aac.recipe"; die "street.aac is not mono AAC at 16 kHz; run again to make it anew"; }
say "ready in $out after $((SECONDS - began)) s"
