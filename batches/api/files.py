"""Files: upload, list, read, delete, and signed downloads."""

from collections.abc import Iterator
from typing import Any, Literal

from django.http import FileResponse, HttpRequest, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import OrgView
from accounts.authentication import django_request
from accounts.models import Scope
from batches.api import schemas
from batches.links import check_link
from batches.manifest.reader import FILE_BYTES_MAX
from batches.models import StoredFile
from batches.models.file import FilePurpose
from batches.rendering import file_json
from batches.selectors import file_of, files_of, linked_file
from batches.services.importing import keep_file
from batches.services.manifests import delete_file, upload_manifest
from batches.store import store
from batches.wholes import with_wholes
from batchrouter.kit import clock
from batchrouter.kit.errors import InvalidRequest, NotFound
from batchrouter.web.pagination import page_of, single_value

_CHUNK_BYTES = 1 << 18
# Room for the multipart frame around a file of the largest size.
_FRAME_BYTES_MAX = 1 << 16


class LengthRequired(InvalidRequest):
    """Uploads say how long they are."""

    code = "length_required"
    status = 411


class UploadTooLarge(InvalidRequest):
    """The upload is longer than a manifest may be."""

    code = "request_too_large"
    status = 413


class UnsupportedUpload(InvalidRequest):
    """The upload is of another kind, or compressed."""

    code = "unsupported_media_type"
    status = 415


class ManifestUpload(OrgView):
    """Upload a manifest as raw lines."""

    scope = Scope.SUBMIT

    @extend_schema(
        operation_id="manifest_upload",
        tags=["Files"],
        parameters=[OpenApiParameter("on_invalid", str, enum=["reject", "skip"])],
        request={"application/x-ndjson": OpenApiTypes.BINARY},
        responses={
            201: schemas.FileReply,
            **schemas.errors(400, 401, 403, 411, 413, 415),
        },
    )
    def post(self, request: Request) -> Response:
        """Check every line while it arrives; an invalid file is not kept."""
        raw = django_request(request)
        _check_upload(raw, {"application/x-ndjson", "application/jsonl"})
        file = upload_manifest(
            _chunks(raw),
            org=self.org,
            filename=request.headers.get("X-Filename", "manifest.ndjson"),
            on_invalid=_on_invalid(request),
            now=clock.now(),
        )
        return Response(file_json(file), status=201)


class FileList(OrgView):
    """Upload a file as a form, or list files."""

    scopes = {"GET": Scope.READ, "POST": Scope.SUBMIT}
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="file_create",
        tags=["Files"],
        request={"multipart/form-data": schemas.UPLOAD_FORM},
        responses={201: schemas.FileReply, **schemas.errors(400, 401, 403, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Upload a manifest, or a file of past jobs with purpose import, as a form."""
        _check_upload(
            django_request(request), {"multipart/form-data"}, extra=_FRAME_BYTES_MAX
        )
        uploaded = request.FILES.get("file")
        if uploaded is None:
            raise InvalidRequest("Send the manifest as the form's file.", param="file")
        if _purpose(request) == FilePurpose.IMPORT:
            kept = keep_file(
                uploaded.chunks(_CHUNK_BYTES),
                org=self.org,
                filename=uploaded.name or "import",
                now=clock.now(),
            )
            return Response(file_json(kept), status=201)
        file = upload_manifest(
            uploaded.chunks(_CHUNK_BYTES),
            org=self.org,
            filename=uploaded.name or "manifest.ndjson",
            on_invalid=_on_invalid(request),
            now=clock.now(),
        )
        return Response(file_json(file), status=201)

    @extend_schema(
        operation_id="file_list",
        tags=["Files"],
        parameters=schemas.PAGE,
        responses={200: schemas.ListReply, **schemas.errors(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """List the organization's files, newest first."""
        page = page_of(
            with_wholes(files_of(self.org)),
            request,
            org_id=self.org.pk,
            list_name="files",
            render=file_json,
        )
        return Response(page)


class FileDetail(OrgView):
    """One file."""

    scopes = {"GET": Scope.READ, "DELETE": Scope.SUBMIT}

    @extend_schema(
        operation_id="file_retrieve",
        tags=["Files"],
        responses={200: schemas.FileReply, **schemas.errors(401, 403, 404)},
    )
    def get(self, _request: Request, file_id: str) -> Response:
        """Return what is known of a file."""
        return Response(file_json(file_of(self.org, file_id)))

    @extend_schema(
        operation_id="file_delete",
        tags=["Files"],
        responses={200: schemas.DeletedReply, **schemas.errors(401, 403, 404, 409)},
    )
    def delete(self, _request: Request, file_id: str) -> Response:
        """Forget a file that no open batch reads."""
        delete_file(file_of(self.org, file_id), now=clock.now())
        return Response({"id": file_id, "object": "file", "deleted": True})


class FileContent(OrgView):
    """The bytes of a file, with a key."""

    scope = Scope.READ

    @extend_schema(
        operation_id="file_content",
        tags=["Files"],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            **schemas.errors(401, 403, 404),
        },
    )
    def get(self, _request: Request, file_id: str) -> HttpResponseBase:
        """Send a file's bytes."""
        return _send(file_of(self.org, file_id))


class FileDownload(APIView):
    """The bytes of a file, by a signed link."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(
        operation_id="file_download",
        tags=["Files"],
        auth=[],
        parameters=[
            OpenApiParameter("expires", int, required=True),
            OpenApiParameter("signature", str, required=True),
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            **schemas.errors(403, 404),
        },
    )
    def get(self, request: Request, file_id: str) -> HttpResponseBase:
        """Send a file's bytes to whoever holds the link."""
        check_link(
            file_id,
            single_value(request, "expires"),
            single_value(request, "signature"),
            now=clock.now(),
        )
        return _send(linked_file(file_id))


def _send(file: StoredFile) -> FileResponse:
    try:
        content = store().path(file.storage_key).open("rb")
    except FileNotFoundError as error:
        # Deleted since its row was read; what is open already is read to its end.
        raise NotFound("There is no such file.") from error
    response = FileResponse(
        content,
        as_attachment=True,
        filename=file.filename,
        content_type="application/octet-stream",
    )
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Referrer-Policy"] = "no-referrer"  # the address may be a signed link
    response["Digest"] = f"sha-256={file.sha256}"
    return response


def _purpose(request: Request) -> str:
    purpose = request.POST.get("purpose", FilePurpose.MANIFEST)
    if purpose not in {FilePurpose.MANIFEST, FilePurpose.IMPORT}:
        raise InvalidRequest("purpose is manifest or import.", param="purpose")
    return str(purpose)


def _on_invalid(request: Request) -> Literal["reject", "skip"]:
    wanted = single_value(request, "on_invalid")
    if wanted in {None, "reject"}:
        return "reject"
    if wanted == "skip":
        return "skip"
    raise InvalidRequest("on_invalid is reject or skip.", param="on_invalid")


def _check_upload(raw: HttpRequest, types: set[str], *, extra: int = 0) -> None:
    if raw.content_type not in types:
        raise UnsupportedUpload(f"Send the file as {sorted(types)[-1]}.")
    if raw.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedUpload("Send the file uncompressed.")
    length = raw.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        raise LengthRequired("Send a Content-Length.")
    if int(length) > FILE_BYTES_MAX + extra:
        raise UploadTooLarge(
            f"A manifest has at most {FILE_BYTES_MAX} bytes; split it."
        )


def _chunks(raw: HttpRequest) -> Iterator[bytes]:
    while chunk := raw.read(_CHUNK_BYTES):
        yield chunk
